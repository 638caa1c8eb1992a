//! Roles, and the instance profiles that hold one: `GetRole` and `GetInstanceProfile`.

use jiff::Timestamp;
use kube_iam_core::arn::{Arn, ArnError};
use kube_iam_core::limits::EXCERPT_CHARS;

use crate::query::Form;
use crate::service::{Call, Service};
use crate::session::{CallError, Failed, Session};
use crate::signed::Input;
use crate::xml::{Element, XmlError};

/// The version of the API.
const VERSION: &str = "2010-05-08";

/// Why there is no role. `Display` says what, `source()` why, [`hint`](Self::hint) what to do.
#[derive(Debug, thiserror::Error)]
pub enum IamError {
    /// Nothing in IAM can have such a name.
    #[error("`{0}` is not the name of a role or instance profile: letters, digits and `+=,.@_-`, without a path")]
    Name(String),
    /// The account has no such role.
    #[error("there is no IAM role `{role}` in the account")]
    UnknownRole {
        /// The name asked for.
        role: String,
    },
    /// The account has no such instance profile.
    #[error("there is no instance profile `{profile}` in the account")]
    UnknownProfile {
        /// The name asked for.
        profile: String,
    },
    /// The instance profile is empty.
    #[error("instance profile `{profile}` holds no role")]
    NoRole {
        /// The instance profile.
        profile: String,
    },
    /// The call itself.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl IamError {
    /// What to do about it: one line, with the command to run where there is one.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::UnknownRole { .. } => {
                "see which there are with `aws iam list-roles --query 'Roles[].Arn'`; name another account by `AWS_PROFILE`".to_owned()
            }
            Self::UnknownProfile { .. } => {
                "see which there are with `aws iam list-instance-profiles --query 'InstanceProfiles[].Arn'`; name another account by \
                 `AWS_PROFILE`"
                    .to_owned()
            }
            Self::NoRole { profile } => {
                format!("see `aws iam get-instance-profile --instance-profile-name {profile}`, or name the role with `--role-arn`")
            }
            Self::Call(error) => return error.hint(),
            Self::Name(_) => return None,
        })
    }
}

/// An instance profile as IAM has it.
pub(crate) struct Profile {
    /// Its ARN.
    pub(crate) arn: String,
    /// Its role: there is one at most.
    pub(crate) role: Option<Arn>,
}

/// An answer of IAM that can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnswerError {
    #[error(transparent)]
    Xml(#[from] XmlError),
    #[error("the answer lacks `{0}`")]
    Missing(&'static str),
    #[error("the answer has no ARN of a role")]
    Arn(#[from] ArnError),
}

impl Session<'_> {
    /// The role of an instance profile, by the profile's name. The request is signed at `now`.
    ///
    /// # Errors
    ///
    /// When there is no such profile, it holds no role, or it can't be asked for: [`IamError::hint`] says what to do.
    pub async fn role_of_instance_profile(&self, name: &str, now: Timestamp) -> Result<Arn, IamError> {
        let (call, profile) = (get_instance_profile(checked(name, 128)?), name.to_owned());
        match self.ask(&call, now).await {
            Ok(body) => {
                let read = Profile::read(&body).map_err(|error| call.senseless(error))?;
                read.role.ok_or(IamError::NoRole { profile })
            }
            Err(Failed::Refused(refusal)) if refusal.code == "NoSuchEntity" => {
                Err(IamError::UnknownProfile { profile })
            }
            Err(failed) => Err(self.failed(&call, failed).into()),
        }
    }

    /// The ARN, with its path, of the role with this name, which has none. The request is signed at `now`.
    ///
    /// # Errors
    ///
    /// When there is no such role in the account of the session, or it can't be asked for: [`IamError::hint`] says what to do.
    pub async fn role(&self, name: &str, now: Timestamp) -> Result<Arn, IamError> {
        let form = Form::new("GetRole", VERSION).with("RoleName", checked(name, 64)?);
        let call = Call { service: Service::Iam, action: "GetRole", input: Input::Post(form) };
        match self.ask(&call, now).await {
            Ok(body) => Ok(read_role(&body).map_err(|error| call.senseless(error))?),
            Err(Failed::Refused(refusal)) if refusal.code == "NoSuchEntity" => {
                Err(IamError::UnknownRole { role: name.to_owned() })
            }
            Err(failed) => Err(self.failed(&call, failed).into()),
        }
    }
}

pub(crate) fn get_instance_profile(name: &str) -> Call {
    let form = Form::new("GetInstanceProfile", VERSION).with("InstanceProfileName", name);
    Call { service: Service::Iam, action: "GetInstanceProfile", input: Input::Post(form) }
}

/// The names of roles and instance profiles (`GetRole` and `GetInstanceProfile` in the IAM API).
fn checked(name: &str, most: usize) -> Result<&str, IamError> {
    let valid = (1..=most).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte));
    if valid { Ok(name) } else { Err(IamError::Name(name.chars().take(EXCERPT_CHARS).collect())) }
}

fn read_role(body: &[u8]) -> Result<Arn, AnswerError> {
    let root = Element::parse(body)?;
    let arn = root.result("GetRole")?.text_at(&["Role", "Arn"]);
    Ok(arn.ok_or(AnswerError::Missing("Role/Arn"))?.parse()?)
}

impl Profile {
    /// Reads the body of a reply.
    pub(crate) fn read(body: &[u8]) -> Result<Self, AnswerError> {
        let root = Element::parse(body)?;
        let result = root.result("GetInstanceProfile")?;
        let arn = result.text_at(&["InstanceProfile", "Arn"]).ok_or(AnswerError::Missing("InstanceProfile/Arn"))?;
        let role = result.at(&["InstanceProfile", "Roles", "member"]).map(|role| {
            let arn = role.text_at(&["Arn"]).ok_or(AnswerError::Missing("Roles/member/Arn"))?;
            Ok::<Arn, AnswerError>(arn.parse()?)
        });
        Ok(Self { arn: arn.to_owned(), role: role.transpose()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILE: &str = "arn:aws:iam::111122223333:instance-profile/nodes";

    fn profile(inside: &str) -> Result<Profile, AnswerError> {
        let xml = format!(
            "<GetInstanceProfileResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><GetInstanceProfileResult>\
             <InstanceProfile>{inside}</InstanceProfile></GetInstanceProfileResult></GetInstanceProfileResponse>"
        );
        Profile::read(xml.as_bytes())
    }

    #[test]
    fn a_profile_has_one_role_or_none() {
        let arn = format!("<Arn>{PROFILE}</Arn>");
        let role = "<Roles><member><Path>/a/</Path><Arn>arn:aws:iam::111122223333:role/a/n</Arn></member></Roles>";
        let read = profile(&format!("{arn}{role}")).unwrap();
        assert_eq!((read.arn.as_str(), read.role.unwrap().as_str()), (PROFILE, "arn:aws:iam::111122223333:role/a/n"));
        assert!(profile(&format!("{arn}<Roles/>")).unwrap().role.is_none());
        for inside in ["", "<Roles/>", &format!("{arn}<Roles><member/></Roles>")] {
            assert!(matches!(profile(inside), Err(AnswerError::Missing(_))), "{inside}");
        }
        let wrong = format!("{arn}<Roles><member><Arn>{PROFILE}</Arn></member></Roles>");
        assert!(matches!(profile(&wrong), Err(AnswerError::Arn(_))));
    }

    #[test]
    fn an_answer_about_something_else_is_none() {
        for body in ["", "<GetRoleResponse/>", "<GetRoleResponse><GetRoleResult/></GetRoleResponse>", "{}"] {
            assert!(read_role(body.as_bytes()).is_err() && Profile::read(body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn names_are_those_of_iam() {
        let most = "r".repeat(64);
        for name in ["r", "Node_Role-1+=,.@", &most] {
            assert!(checked(name, 64).is_ok(), "{name}");
        }
        let more = "r".repeat(65);
        for name in ["", "a/b", "a b", "é", "a:b", &more] {
            assert!(matches!(checked(name, 64), Err(IamError::Name(_))), "{name}");
        }
    }
}
