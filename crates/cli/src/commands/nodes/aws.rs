//! Node roles that are not given by their ARN.

use crate::args::NodesApplyArgs;
use crate::exit::Exit;
use crate::report::Failure;

/// The ARNs of the roles that stacks and node groups run their nodes under.
pub fn roles(args: &NodesApplyArgs) -> Result<Vec<String>, Failure> {
    if args.stacks.is_empty() && args.nodegroups.is_empty() && !args.all_stacks {
        return Ok(Vec::new());
    }
    let failure = Failure::new("CloudFormation and EKS are not asked for node roles by this version");
    let hint = "name the role with `--role-arn`; a stack shows it as output `NodeInstanceRole` or `InstanceRoleARN`";
    Err(failure.hint(hint.to_owned()).exit(Exit::Usage))
}
