//! The roles of nodes that stacks of CloudFormation made: `DescribeStacks`.

use jiff::Timestamp;
use kube_iam_core::limits::EXCERPT_CHARS;

use crate::limits;
use crate::query::Form;
use crate::service::{Call, Service};
use crate::session::{CallError, Failed, Session};
use crate::signed::Input;
use crate::xml::{Element, XmlError};

/// The outputs that hold the role of nodes: that of the template in the EKS user guide, and that of eksctl's stacks.
pub const ROLE_OUTPUTS: [&str; 2] = ["NodeInstanceRole", "InstanceRoleARN"];

/// The version of the API.
const VERSION: &str = "2010-05-15";

/// A stack with the roles of nodes among its outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackRoles {
    /// The name.
    pub stack: String,
    /// The roles, at least one.
    pub roles: Vec<StackRole>,
}

/// An output of a stack that holds the role of nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackRole {
    /// Which of [`ROLE_OUTPUTS`].
    pub output: String,
    /// Its value, which should be the ARN of a role: a stack's author may have written anything.
    pub arn: String,
}

/// Why there is no role of a stack. `Display` says what, `source()` why, [`hint`](Self::hint) what to do.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// No stack can have such a name.
    #[error("`{0}` is not the name or ARN of a stack: 1 to 128 letters, digits and `-`, the first a letter")]
    Name(String),
    /// The account has no such stack in this region.
    #[error("there is no stack `{stack}` in region `{region}`")]
    Unknown {
        /// The name asked for.
        stack: String,
        /// The region asked.
        region: String,
    },
    /// The stack says nothing about a role of nodes.
    #[error("stack `{stack}` has neither an output `NodeInstanceRole` nor `InstanceRoleARN`{}", has(.outputs))]
    NoRole {
        /// The stack.
        stack: String,
        /// The outputs it has.
        outputs: Vec<String>,
    },
    /// The call itself.
    #[error(transparent)]
    Call(#[from] CallError),
}

fn has(outputs: &[String]) -> String {
    if outputs.is_empty() {
        return "; it has no outputs at all".to_owned();
    }
    let some: Vec<_> = outputs.iter().take(10).map(|output| format!("`{output}`")).collect();
    format!("; it has {}{}", some.join(", "), if some.len() < outputs.len() { " and others" } else { "" })
}

impl StackError {
    /// What to do about it: one line, with the command to run where there is one.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unknown { region, .. } => format!(
                "see which there are with `aws cloudformation describe-stacks --region {region} --query 'Stacks[].StackName'`; name \
                 another region with `--region`, another account by `AWS_PROFILE`"
            ),
            Self::NoRole { .. } => {
                "name the stack of the nodes, not that of the cluster or its network, or the role itself with `--role-arn`".to_owned()
            }
            Self::Call(error) => return error.hint(),
            Self::Name(_) => {
                "see which there are with `aws cloudformation describe-stacks --query 'Stacks[].StackName'`".to_owned()
            }
        })
    }
}

/// What one answer says.
struct Page {
    stacks: Vec<Stack>,
    next: Option<String>,
}

struct Stack {
    name: String,
    /// Keys and values.
    outputs: Vec<(String, String)>,
}

impl Stack {
    fn roles(&self) -> Vec<StackRole> {
        let roles = self.outputs.iter().filter(|(key, _)| ROLE_OUTPUTS.contains(&key.as_str()));
        roles.map(|(key, value)| StackRole { output: key.clone(), arn: value.clone() }).collect()
    }
}

impl Session<'_> {
    /// The roles of nodes among the outputs of one stack, by its name or ARN; at least one. The request is signed at `now`.
    ///
    /// # Errors
    ///
    /// When there is no such stack, it has no such outputs, or it can't be asked for: [`StackError::hint`] says what to do.
    pub async fn node_roles_of_stack(&self, name: &str, now: Timestamp) -> Result<Vec<StackRole>, StackError> {
        check_name(name)?;
        let call = describe_stacks(Some(name), None);
        let unknown = || StackError::Unknown { stack: name.to_owned(), region: self.region().to_owned() };
        let body = match self.ask(&call, now).await {
            Ok(body) => body,
            Err(Failed::Refused(refusal)) if is_unknown_stack(&refusal.code, &refusal.message) => return Err(unknown()),
            Err(failed) => return Err(self.failed(&call, failed).into()),
        };
        let page = read(&body).map_err(|error| call.senseless(error))?;
        let stack = page.stacks.into_iter().next().ok_or_else(unknown)?;
        match stack.roles() {
            roles if roles.is_empty() => {
                let outputs = stack.outputs.into_iter().map(|(key, _)| key).collect();
                Err(StackError::NoRole { stack: stack.name, outputs })
            }
            roles => Ok(roles),
        }
    }

    /// The stacks of the account and region that have roles of nodes among their outputs; those without are left out. The requests are
    /// signed at `now`.
    ///
    /// # Errors
    ///
    /// When the stacks can't be asked for, or there are more pages of them than [`limits::PAGES`].
    pub async fn node_roles_of_all_stacks(&self, now: Timestamp) -> Result<Vec<StackRoles>, StackError> {
        let mut found = Vec::new();
        let mut next: Option<String> = None;
        for _ in 0..limits::PAGES {
            let call = describe_stacks(None, next.as_deref());
            let body = self.ask(&call, now).await.map_err(|failed| self.failed(&call, failed))?;
            let page = read(&body).map_err(|error| call.senseless(error))?;
            let with_roles =
                page.stacks.into_iter().map(|stack| StackRoles { roles: stack.roles(), stack: stack.name });
            found.extend(with_roles.filter(|stack| !stack.roles.is_empty()));
            match page.next {
                None => return Ok(found),
                Some(mark) if mark.len() > limits::PAGE_MARK_BYTES => {
                    return Err(call.senseless("its mark of the next page is too long").into());
                }
                Some(mark) => next = Some(mark),
            }
        }
        Err(CallError::TooManyPages { service: Service::CloudFormation.name(), action: "DescribeStacks" }.into())
    }
}

fn describe_stacks(name: Option<&str>, next: Option<&str>) -> Call {
    let mut form = Form::new("DescribeStacks", VERSION);
    if let Some(name) = name {
        form = form.with("StackName", name);
    }
    if let Some(next) = next {
        form = form.with("NextToken", next);
    }
    Call { service: Service::CloudFormation, action: "DescribeStacks", input: Input::Post(form) }
}

/// Whether a stack can have this name or ARN. Nobody is asked.
///
/// # Errors
///
/// When none can.
pub fn check_name(name: &str) -> Result<(), StackError> {
    if is_stack(name) { Ok(()) } else { Err(StackError::Name(name.chars().take(EXCERPT_CHARS).collect())) }
}

/// A name as `CreateStack` takes it, or an ARN.
fn is_stack(text: &str) -> bool {
    let name = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.len() <= 128
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    name || text.starts_with("arn:") && text.len() <= 1024 && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// CloudFormation has one code for all that it does not like, and says in the message what that is.
fn is_unknown_stack(code: &str, message: &str) -> bool {
    code == "ValidationError" && message.contains("does not exist")
}

fn read(body: &[u8]) -> Result<Page, XmlError> {
    let root = Element::parse(body)?;
    let result = root.result("DescribeStacks")?;
    let stacks = result.at(&["Stacks"]).map(|stacks| stacks.all("member").map(stack).collect()).unwrap_or_default();
    Ok(Page { stacks, next: result.text_at(&["NextToken"]).map(str::to_owned) })
}

fn stack(member: &Element) -> Stack {
    let output = |output: &Element| {
        Some((output.text_at(&["OutputKey"])?.to_owned(), output.text_at(&["OutputValue"])?.to_owned()))
    };
    let outputs = member.at(&["Outputs"]).map(|outputs| outputs.all("member").filter_map(output).collect());
    Stack { name: member.text_at(&["StackName"]).unwrap_or_default().to_owned(), outputs: outputs.unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "<DescribeStacksResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\">\
        <DescribeStacksResult><Stacks><member><StackName>nodes</StackName><Outputs>\
        <member><OutputKey>NodeInstanceRole</OutputKey><OutputValue>arn:aws:iam::111122223333:role/a/n</OutputValue></member>\
        <member><OutputKey>NodeSecurityGroup</OutputKey><OutputValue>sg-1</OutputValue></member>\
        <member><OutputKey>InstanceRoleARN</OutputKey><OutputValue/></member>\
        </Outputs></member><member><StackName>net</StackName></member></Stacks><NextToken>next</NextToken>\
        </DescribeStacksResult><ResponseMetadata/></DescribeStacksResponse>";

    #[test]
    fn stacks_outputs_and_the_next_page_are_read() {
        let page = read(ANSWER.as_bytes()).unwrap();
        assert_eq!(page.next.as_deref(), Some("next"));
        let names: Vec<_> = page.stacks.iter().map(|stack| stack.name.as_str()).collect();
        assert_eq!(names, ["nodes", "net"]);
        let role =
            StackRole { output: "NodeInstanceRole".to_owned(), arn: "arn:aws:iam::111122223333:role/a/n".to_owned() };
        assert_eq!((page.stacks[0].roles(), page.stacks[1].roles()), (vec![role], vec![]));
    }

    #[test]
    fn another_document_is_no_answer() {
        for body in ["", "<a/>", "<DescribeStacksResponse/>", "{}", &ANSWER[..200]] {
            assert!(read(body.as_bytes()).is_err(), "{body}");
        }
        let none = "<DescribeStacksResponse><DescribeStacksResult/></DescribeStacksResponse>";
        assert!(read(none.as_bytes()).unwrap().stacks.is_empty());
    }

    #[test]
    fn names_and_arns_of_stacks_are_told_from_others() {
        let most = "s".repeat(128);
        for name in ["s", "my-Stack-1", &most, "arn:aws:cloudformation:eu-west-1:111122223333:stack/s/0-1"] {
            assert!(is_stack(name), "{name}");
        }
        let more = "s".repeat(129);
        for name in ["", "1s", "-s", "a b", "a_b", "a/b", "arn: x", &more] {
            assert!(!is_stack(name), "{name}");
        }
    }

    #[test]
    fn outputs_that_there_are_are_named_up_to_ten() {
        let error =
            |outputs: &[String]| StackError::NoRole { stack: "s".to_owned(), outputs: outputs.to_vec() }.to_string();
        assert!(error(&[]).ends_with("`InstanceRoleARN`; it has no outputs at all"), "{}", error(&[]));
        let outputs: Vec<_> = (0..11).map(|number| number.to_string()).collect();
        assert!(error(&outputs[..2]).ends_with("; it has `0`, `1`"), "{}", error(&outputs[..2]));
        assert!(error(&outputs).ends_with("`9` and others"), "{}", error(&outputs));
    }
}
