//! The query protocol of AWS: a form with the action and its version goes there, XML comes back.

use std::fmt::Write as _;

use crate::presign::encode;

/// The body of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Form(String);

impl Form {
    /// A form that asks for an action.
    pub(crate) fn new(action: &str, version: &str) -> Self {
        Self(format!("Action={action}&Version={version}"))
    }

    /// The form with one more parameter. Its name must need no encoding.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        // Writing to a string can't fail.
        let _ = write!(self.0, "&{name}=");
        encode(value, &mut self.0);
        self
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_encoded() {
        let form = Form::new("GetRole", "2010-05-08").with("RoleName", "a b&c=+é").with("Empty", "");
        assert_eq!(form.as_str(), "Action=GetRole&Version=2010-05-08&RoleName=a%20b%26c%3D%2B%C3%A9&Empty=");
    }
}
