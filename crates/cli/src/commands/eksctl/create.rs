//! `create iamidentitymapping`.

use kube_iam_core::eksctl::{ClusterAccount, Line, Mapping, RbacObject, advice, create, validate};

use super::load::Loaded;
use super::surroundings::{Attempt, Trouble, World};
use super::{Derived, Ended, Voice, edit};
use crate::args::go_flags::Typed;

pub(super) fn run(typed: &Typed, loaded: Loaded, voice: &mut Voice<'_>) -> Result<(), Ended> {
    let mappings = loaded.mappings.unwrap_or_else(|| vec![typed_mapping(typed)]);
    if mappings.is_empty() {
        voice.advise(&["there are no `iamIdentityMappings` in the file; nothing is done".to_owned()]);
        return Ok(());
    }
    validate(&mappings).map_err(|refusal| Trouble::of(&refusal))?;
    let mut world = voice.surroundings.connect(&loaded.target)?;
    let account = match mappings.iter().any(Mapping::is_service) {
        true => Some(account(&mut *world)?),
        false => None,
    };
    let Granted { mappings, lines, trouble } = grant(&mut *world, &mappings, account.as_ref())?;
    let edited = edit(&mut *world, voice, |Attempt { data, .. }| Derived {
        plan: create(data, mappings, account.as_ref(), &lines),
        advice: advice::on_create(data, mappings),
    });
    voice.log(lines.get(mappings.len()).map(Vec::as_slice).unwrap_or_default());
    voice.advise_about_mode(&*world);
    edited?;
    trouble.map_or(Ok(()), |trouble| Err(trouble.into()))
}

fn typed_mapping(typed: &Typed) -> Mapping {
    let text = |name: &str| typed.text(name).to_owned();
    Mapping {
        arn: text("arn"),
        username: text("username"),
        groups: typed.texts("group"),
        account: text("account"),
        service_name: text("service-name"),
        namespace: text("namespace"),
        no_duplicate_arns: typed.bool("no-duplicate-arns"),
    }
}

/// The rights of services, which come before the rows.
struct Granted<'a> {
    /// The mappings whose rights are there.
    mappings: &'a [Mapping],
    /// Per mapping, and for the one that failed, what became of its objects.
    lines: Vec<Vec<Line>>,
    /// Why it did not go on.
    trouble: Option<Trouble>,
}

fn account(world: &mut dyn World) -> Result<ClusterAccount, Trouble> {
    world.account()?.ok_or_else(|| {
        Trouble::from("a service mapping needs the account of the cluster")
            .hint("name the cluster with `--cluster` and `--region`".to_owned())
    })
}

/// Gives services their rights, of all mappings that will be reached.
fn grant<'a>(
    world: &mut dyn World,
    mappings: &'a [Mapping],
    account: Option<&ClusterAccount>,
) -> Result<Granted<'a>, Trouble> {
    let mut granted = Granted { mappings, lines: Vec::new(), trouble: None };
    if account.is_none() {
        return Ok(granted);
    }
    let reached = create(&world.read()?, mappings, account, &[]).reached;
    for (index, mapping) in mappings.iter().enumerate().take(reached) {
        let mut lines = Vec::new();
        for object in RbacObject::of(mapping) {
            match world.apply(&object) {
                Ok(applied) => lines.push(object.line(applied)),
                Err(trouble) => {
                    granted.trouble = Some(trouble.within("error applying resource"));
                    granted.mappings = &mappings[..index];
                    break;
                }
            }
        }
        granted.lines.push(lines);
        if granted.trouble.is_some() {
            break;
        }
    }
    Ok(granted)
}
