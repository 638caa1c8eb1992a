//! Who signs in during the tests.

use kube_iam_standin::{Key, Principal};

pub(crate) const CLUSTER: &str = "it.example.com";

/// An access key with its secret, and whose it is.
#[derive(Clone, Copy)]
pub(crate) struct Person {
    arn: &'static str,
    user_id: &'static str,
    access_key_id: &'static str,
    secret: &'static str,
    session_token: Option<&'static str>,
}

/// The role `Admin`, in the session `alice`.
pub(crate) const ADMIN: Person = Person {
    arn: "arn:aws:sts::111122223333:assumed-role/Admin/alice",
    user_id: "AROAEXAMPLEADMIN00001:alice",
    access_key_id: "ASIAEXAMPLEADMIN0001",
    secret: "fixture/secret+of+the+admin/EXAMPLEKEY00",
    session_token: Some("fixture/session+token+of+the+admin=="),
};

/// The user `dev`, with a long-term key.
pub(crate) const DEV: Person = Person {
    arn: "arn:aws:iam::111122223333:user/team/dev",
    user_id: "AIDAEXAMPLEDEVELOPER1",
    access_key_id: "AKIAEXAMPLEDEVELOPER",
    secret: "fixture/secret+of+the+developer/EXAMPLE1",
    session_token: None,
};

/// Somebody whom STS knows and no mapping names.
pub(crate) const STRANGER: Person = Person {
    arn: "arn:aws:sts::444455556666:assumed-role/Stranger/mallory",
    user_id: "AROAEXAMPLESTRANGER01:mallory",
    access_key_id: "ASIAEXAMPLESTRANGER1",
    secret: "fixture/secret+of+the+stranger/EXAMPLE22",
    session_token: Some("fixture/session+token+of+the+stranger=="),
};

/// Everybody.
pub(crate) const PEOPLE: [Person; 3] = [ADMIN, DEV, STRANGER];

impl Person {
    /// The key as STS knows it.
    pub(crate) fn key(self) -> Key {
        Key {
            access_key_id: self.access_key_id.into(),
            secret_access_key: self.secret.into(),
            session_token: self.session_token.map(Into::into),
            principal: Principal::new(self.arn, self.user_id),
            expires: None,
        }
    }

    /// The environment variables that make a program sign as this person.
    pub(crate) fn environment(self) -> Vec<(String, String)> {
        let mut variables = vec![
            ("AWS_ACCESS_KEY_ID", self.access_key_id),
            ("AWS_SECRET_ACCESS_KEY", self.secret),
            ("AWS_REGION", "us-east-1"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ];
        variables.extend(self.session_token.map(|token| ("AWS_SESSION_TOKEN", token)));
        variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
    }

    /// Texts that no program may ever print.
    pub(crate) fn secrets(self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.secret).chain(self.session_token)
    }

    pub(crate) fn access_key_id(self) -> &'static str {
        self.access_key_id
    }
}
