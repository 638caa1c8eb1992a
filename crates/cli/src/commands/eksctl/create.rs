//! `create iamidentitymapping`.

use kube_iam_core::check::Context;
use kube_iam_core::eksctl::{ClusterAccount, Line, Mapping, RbacObject, create, validate};

use super::edit::{Judge, edit};
use super::load::Loaded;
use super::surroundings::World;
use super::{Ended, Voice};
use crate::args::go_flags::Typed;
use crate::report::Failure;

pub(super) fn run(typed: &Typed, loaded: &Loaded, voice: &mut Voice<'_>) -> Result<(), Ended> {
    let mappings = loaded.mappings.clone().unwrap_or_else(|| vec![typed_mapping(typed)]);
    if mappings.is_empty() {
        voice.advise(&["there are no `iamIdentityMappings` in the file; nothing is done".to_owned()]);
        return Ok(());
    }
    validate(&mappings).map_err(|refusal| Failure::of(&refusal).hint(refusal.hint()))?;
    let mut world = voice.surroundings.connect(loaded)?;
    let account = match mappings.iter().any(Mapping::is_service) {
        true => Some(account(&mut *world)?),
        false => None,
    };
    let (state, surroundings) = world.look()?;
    let context = Context {
        deciding: surroundings.facts.deciding,
        bound_groups: surroundings.bound_groups.clone(),
        partition: account.clone().or_else(|| world.home()).map(|home| home.partition),
        ..Context::default()
    };
    let mut judge = Judge { surroundings, write: &loaded.write, context: Some(context) };
    judge.find_out(&mut *world, &state, &create(&state.data, &mappings, account.as_ref(), &[]))?;
    let mut granted = Granted { mappings: &mappings, lines: Vec::new(), failure: None };
    if account.is_some() {
        // Rights come before rows, so the guard is asked before anything is written.
        let plan = create(&state.data, &mappings, account.as_ref(), &[]);
        judge.allow(&state, &plan, voice)?;
        granted = grant(&mut *world, &mappings, plan.reached);
    }
    let Granted { mappings, lines, failure } = granted;
    let edited = edit(&mut *world, voice, &judge, state, |data, _| {
        (create(data, mappings, account.as_ref(), &lines), Vec::new())
    });
    voice.log(lines.get(mappings.len()).map(Vec::as_slice).unwrap_or_default());
    voice.advise_about_mode(&*world);
    edited?;
    failure.map_or(Ok(()), |failure| Err(failure.into()))
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

fn account(world: &mut dyn World) -> Result<ClusterAccount, Failure> {
    world.account()?.ok_or_else(|| {
        Failure::new("a service mapping needs the account of the cluster")
            .hint("name the cluster with `--cluster` and `--region`".to_owned())
    })
}

/// The rights of services, which come before the rows.
struct Granted<'a> {
    /// The mappings whose rights are there.
    mappings: &'a [Mapping],
    /// Per mapping, and for the one that failed, what became of its objects.
    lines: Vec<Vec<Line>>,
    /// Why it did not go on.
    failure: Option<Failure>,
}

/// Gives services their rights, of all mappings that will be reached.
fn grant<'a>(world: &mut dyn World, mappings: &'a [Mapping], reached: usize) -> Granted<'a> {
    let mut granted = Granted { mappings, lines: Vec::new(), failure: None };
    for (index, mapping) in mappings.iter().enumerate().take(reached) {
        let mut lines = Vec::new();
        for object in RbacObject::of(mapping) {
            match world.apply(&object) {
                Ok(applied) => lines.push(object.line(applied)),
                Err(failure) => {
                    granted.failure = Some(failure.within("error applying resource"));
                    granted.mappings = &mappings[..index];
                    break;
                }
            }
        }
        granted.lines.push(lines);
        if granted.failure.is_some() {
            break;
        }
    }
    granted
}
