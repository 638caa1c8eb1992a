//! Roles and bindings that must be there before somebody is let in: whoever comes
//! finds rights.

use kube_iam_cluster::{Creation, Found, RbacObject, create_missing, look_for};
use kube_iam_core::check::Context;
use kube_iam_core::guard::Facts;
use kube_iam_core::rbac::RbacRef;

use super::cluster::exit_of;
use super::flow::options;
use super::target::Target;
use crate::args::WriteArgs;
use crate::exit::Exit;
use crate::output;
use crate::report::Failure;

/// What a change needs, and what of it is there.
pub struct Needs<'a> {
    objects: &'a [RbacObject],
    found: Vec<(RbacRef, Found)>,
}

impl<'a> Needs<'a> {
    /// Looks what is there.
    pub async fn look(target: &Target, objects: &'a [RbacObject]) -> Result<Self, Failure> {
        let found = match target {
            _ if objects.is_empty() => Vec::new(),
            Target::Cluster(cluster) => look_for(&cluster.client, objects).await,
            Target::File(_) => {
                let failure = Failure::new("roles and bindings are made in a cluster, not in a file");
                let hint = "leave `--bind` and `--preset` out, or `--manifest`";
                return Err(failure.hint(hint.to_string()).exit(Exit::Usage));
            }
        };
        Ok(Self { objects, found })
    }

    /// Whether there is nothing to create.
    pub fn are_met(&self) -> bool {
        self.found.iter().all(|(_, found)| matches!(found, Found::Exists | Found::Differs | Found::NoRole))
    }

    /// The groups that its bindings name, as groups that are bound, and as
    /// administrators where they become that.
    pub fn add_to(&self, context: &mut Context, facts: &mut Facts) {
        if let Some(bound) = &mut context.bound_groups {
            bound.extend(self.objects.iter().flat_map(RbacObject::bound_groups).map(str::to_owned));
        }
        if let Some(admins) = &mut facts.admins {
            let of_admins = self.objects.iter().filter(|object| object.gives_cluster_admin());
            admins.groups.extend(of_admins.flat_map(RbacObject::bound_groups).map(str::to_owned));
        }
    }

    /// What is there and what is not, one in a line.
    pub fn text(&self) -> String {
        let line = |(reference, found): &(RbacRef, Found)| match found {
            Found::Missing => format!("{reference} is missing and comes first\n"),
            Found::Exists => format!("{reference} exists\n"),
            Found::Differs => {
                format!("warning: {reference} exists and gives other rights, or to others; it is left as it is\n")
            }
            Found::Unknown(error) => format!("{reference} may be missing: {error}\n"),
            Found::NoRole => format!("warning: {reference} does not exist, so its binding gives nothing\n"),
        };
        self.found.iter().map(line).collect()
    }

    /// Creates what is missing.
    pub async fn create(&self, target: &Target, write: &WriteArgs) -> Result<(), Failure> {
        let Target::Cluster(cluster) = target else { return Ok(()) };
        if self.are_met() {
            return Ok(());
        }
        let created = create_missing(&cluster.client, self.objects, &options(write)).await;
        let after = if write.dry_run.is_some() { " (server dry run)" } else { "" };
        let new = created.done.iter().filter(|(_, creation)| *creation == Creation::Created);
        output::tell(&new.map(|(reference, _)| format!("{reference} created{after}\n")).collect::<String>())?;
        let Some((reference, error)) = created.failed else { return Ok(()) };
        let failure = Failure::new(format!("{reference} is not created, and nobody is mapped")).because(&error);
        let hint = error.hint().unwrap_or_else(|| "mend that and repeat the command: what exists stays".to_owned());
        Err(failure.hint(hint).exit(exit_of(&error)))
    }

    /// Says what is there by now, if the mapping could not be written after it.
    pub fn tell_left(&self) {
        if !self.objects.is_empty() {
            let names: Vec<_> = self.objects.iter().map(|object| object.reference().to_string()).collect();
            output::warn(&format!("{} exist by now; repeating the command completes it", names.join(", ")));
        }
    }
}
