//! What exists in AWS beside keys and clusters, and may change while the stand-in runs.

use std::sync::{PoisonError, RwLock};

use crate::cloudformation::Stack;
use crate::ec2::Instances;
use crate::eks::Nodegroup;
use crate::iam::InstanceProfile;
use crate::keys::KnownKey;
use crate::refusal::Refusal;

/// Things of one kind, each found by what makes it the same.
pub(crate) struct Things<T>(RwLock<Vec<T>>);

impl<T> Default for Things<T> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<T: Clone> Things<T> {
    pub(crate) fn of(things: Vec<T>) -> Self {
        Self(RwLock::new(things))
    }

    /// Adds a thing behind the others, or in place of the one that is the same.
    pub(crate) fn add(&self, thing: T, same: impl Fn(&T, &T) -> bool) {
        let mut things = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match things.iter_mut().find(|known| same(known, &thing)) {
            Some(known) => *known = thing,
            None => things.push(thing),
        }
    }

    pub(crate) fn remove(&self, is: impl Fn(&T) -> bool) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).retain(|thing| !is(thing));
    }

    pub(crate) fn find(&self, is: impl Fn(&T) -> bool) -> Option<T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).iter().find(|thing| is(thing)).cloned()
    }

    pub(crate) fn all(&self, is: impl Fn(&T) -> bool) -> Vec<T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).iter().filter(|thing| is(thing)).cloned().collect()
    }
}

#[derive(Default)]
pub(crate) struct World {
    pub(crate) instances: Instances,
    pub(crate) profiles: Things<InstanceProfile>,
    pub(crate) stacks: Things<Stack>,
    pub(crate) nodegroups: Things<Nodegroup>,
    /// Permissions that nobody has.
    pub(crate) denied: Things<String>,
    pub(crate) page_size: Option<usize>,
}

impl World {
    /// Refuses an action that nobody may do, in IAM's words; `resource` ends them.
    pub(crate) fn check(&self, caller: &KnownKey, permission: &str, resource: &str) -> Result<(), Refusal> {
        match self.denied.find(|denied| denied == permission) {
            None => Ok(()),
            Some(_) => Err(Refusal::denied(format!(
                "User: {} is not authorized to perform: {permission}{resource} because no identity-based policy \
                 allows the {permission} action",
                caller.principal.arn
            ))),
        }
    }

    /// How many things a page has where a service gives so many.
    pub(crate) fn page_size(&self, most: usize) -> usize {
        self.page_size.map_or(most, |size| size.clamp(1, most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_takes_the_place_of_the_same() {
        let things = Things::default();
        let same = |one: &(u8, &str), other: &(u8, &str)| one.0 == other.0;
        for thing in [(1, "a"), (2, "b"), (1, "c")] {
            things.add(thing, same);
        }
        assert_eq!(things.all(|_| true), [(1, "c"), (2, "b")]);
        things.remove(|thing| thing.0 == 2);
        assert_eq!((things.find(|thing| thing.0 == 1), things.find(|thing| thing.0 == 2)), (Some((1, "c")), None));
    }
}
