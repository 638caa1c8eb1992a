//! The environment variables of the caller, as a value.

use std::collections::HashMap;

use aws_types::os_shim_internal::Env;

/// Environment variables, taken once at the edge. A variable set to nothing counts as unset, as in the AWS SDKs.
///
/// No `Debug`: `AWS_SECRET_ACCESS_KEY` is among them.
#[derive(Clone, Default)]
pub struct Environment {
    variables: HashMap<String, String>,
}

impl Environment {
    /// The variables of this process; those that are not UTF-8 are left out.
    ///
    /// The SSO and container providers of `aws-config` read the process environment themselves, so outside tests this is the only
    /// environment to pass.
    pub fn from_process() -> Self {
        Self::from_variables(
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        )
    }

    /// An environment made of these variables alone.
    pub fn from_variables(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { variables: variables.into_iter().filter(|(_, value)| !value.is_empty()).collect() }
    }

    /// The same environment with another value of `name`; an empty one unsets it.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        match value {
            "" => self.variables.remove(name),
            value => self.variables.insert(name.to_owned(), value.to_owned()),
        };
        self
    }

    /// The value of `name`, unless it is unset or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// The first of `names` that is set.
    pub(crate) fn first(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.get(name))
    }

    /// The home directory: `HOME`, or `USERPROFILE` on Windows.
    pub(crate) fn home(&self) -> Option<&str> {
        self.get(if cfg!(windows) { "USERPROFILE" } else { "HOME" })
    }

    /// All variables, for a child process.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&String, &String)> {
        self.variables.iter()
    }

    /// The same variables in the form `aws-config`'s own parts take.
    pub(crate) fn shim(&self) -> Env {
        Env::from(self.variables.clone())
    }
}
