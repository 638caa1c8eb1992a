//! CloudFormation: `DescribeStacks`, in the query shapes of its API (version 2010-05-15).

use crate::arns;
use crate::keys::KnownKey;
use crate::limits;
use crate::paging::page;
use crate::refusal::Refusal;
use crate::render::{Format, Value};
use crate::reply::Reply;
use crate::sigv4;
use crate::standin::Shared;
use crate::sts::{Asked, Members};

pub(crate) const VERSION: &str = "2010-05-15";

pub(crate) const NAMESPACE: &str = "http://cloudformation.amazonaws.com/doc/2010-05-15/";

const DESCRIBE: &str = "DescribeStacks";

/// A stack as `DescribeStacks` tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stack {
    /// The name.
    pub name: String,
    /// It is found in this region alone …
    pub region: String,
    /// … and with the keys of this account alone.
    pub account: String,
    /// Keys and values.
    pub outputs: Vec<(String, String)>,
}

impl Stack {
    /// A stack without outputs.
    pub fn new(name: impl Into<String>, region: impl Into<String>, account: impl Into<String>) -> Self {
        Self { name: name.into(), region: region.into(), account: account.into(), outputs: Vec::new() }
    }

    /// The same stack with one more output.
    #[must_use]
    pub fn with_output(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.outputs.push((key.into(), value.into()));
        self
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        (&self.name, &self.region, &self.account) == (&other.name, &other.region, &other.account)
    }

    fn arn(&self, caller: &KnownKey) -> String {
        let Self { name, region, account, .. } = self;
        let partition = arns::partition(&caller.principal.arn).unwrap_or("aws");
        format!("arn:{partition}:cloudformation:{region}:{account}:stack/{name}/00000000-0000-4000-8000-000000000000")
    }
}

/// Answers a request; with the error code if it is refused.
pub(crate) fn answer(shared: &Shared, asked: &Asked<'_>, request_id: &str) -> (Reply, Option<&'static str>) {
    match describe(shared, asked) {
        Ok(members) => (Format::Xml.success(NAMESPACE, DESCRIBE, &members, request_id), None),
        Err(refusal) => (Format::Xml.refusal(NAMESPACE, &refusal, request_id), Some(refusal.code)),
    }
}

fn describe(shared: &Shared, asked: &Asked<'_>) -> Result<Members, Refusal> {
    let caller = asked.caller(sigv4::CLOUDFORMATION, shared.clock.now(), &shared.keys)?;
    asked.check_action(&[DESCRIBE], VERSION)?;
    let (region, account) = (asked.region()?, &caller.principal.account);
    let name = asked.form.first("StackName");
    let partition = arns::partition(&caller.principal.arn).unwrap_or("aws");
    let resource =
        format!(" on resource: arn:{partition}:cloudformation:{region}:{account}:stack/{}/*", name.unwrap_or("*"));
    shared.world.check(&caller, "cloudformation:DescribeStacks", &resource)?;
    let stacks = shared.world.stacks.all(|stack| stack.region == region && stack.account == *account);
    let Some(name) = name else {
        let size = shared.world.page_size(limits::PAGE);
        let page = page(DESCRIBE, &stacks, asked.form.first("NextToken"), size)
            .ok_or_else(|| Refusal::validation("The specified token is invalid"))?;
        let mut members = vec![written(page.things, &caller)];
        members.extend(page.next.map(|next| ("NextToken", Value::Text(next))));
        return Ok(members);
    };
    let found = stacks.into_iter().find(|stack| stack.name == name || stack.arn(&caller) == name);
    let found = found.ok_or_else(|| Refusal::validation(format!("Stack with id {name} does not exist")))?;
    Ok(vec![written(&[found], &caller)])
}

fn written(stacks: &[Stack], caller: &KnownKey) -> (&'static str, Value) {
    let stack = |stack: &Stack| {
        let mut members = vec![
            ("StackId", Value::text(stack.arn(caller))),
            ("StackName", Value::text(&stack.name)),
            ("CreationTime", Value::text("2026-01-01T00:00:00.000Z")),
            ("StackStatus", Value::text("CREATE_COMPLETE")),
            ("DisableRollback", Value::text("false")),
            ("EnableTerminationProtection", Value::text("false")),
        ];
        if !stack.outputs.is_empty() {
            let output = |(key, value): &(String, String)| {
                Value::Group(vec![("OutputKey", Value::text(key)), ("OutputValue", Value::text(value))])
            };
            members.push(("Outputs", Value::List("member", stack.outputs.iter().map(output).collect())));
        }
        Value::Group(members)
    };
    ("Stacks", Value::List("member", stacks.iter().map(stack).collect()))
}
