//! Rules about whom rows and accounts are about.

use super::Rule;
use crate::finding::Severity;

pub(in crate::check) const ARN_INVALID: Rule = Rule {
    id: "arn-invalid",
    severity: Severity::Block,
    summary: "the ARN names no principal",
    why: "Only users, roles, role sessions, federated users and the root of an account sign requests. The row never \
          matches; a blank at the end of an ARN is enough.",
    before: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:group/Dev
    username: dev
    groups: [team]
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team]
",
    repair: "Compare with the output of `aws sts get-caller-identity` of the person concerned.",
};

pub(in crate::check) const ARN_ACCOUNT: Rule = Rule {
    id: "arn-account",
    severity: Severity::Block,
    summary: "the account in the ARN is missing or has not twelve digits",
    why: "The row never matches. Templates leave the account empty when a variable is not set, and spreadsheets drop \
          leading zeros.",
    before: "
mapRoles: |
  - rolearn: arn:aws:iam:::role/Dev
    username: dev
    groups: [team]
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team]
",
    repair: "Write the account's twelve digits.",
};

pub(in crate::check) const ARN_OTHER_SECTION: Rule = Rule {
    id: "arn-in-other-section",
    severity: Severity::Warn,
    summary: "the ARN of a user in `mapRoles`, or of a role in `mapUsers`",
    why: "It works today, but by accident: tools look for users in `mapUsers` and for roles in `mapRoles`, and rows of \
          `mapRoles` win over those of `mapUsers`.",
    before: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:user/alice
    username: alice
    groups: [team]
",
    after: "
mapRoles: |
  []
mapUsers: |
  - userarn: arn:aws:iam::111122223333:user/alice
    username: alice
    groups: [team]
",
    repair: "Move the row to the other section.",
};

pub(in crate::check) const INSTANCE_PROFILE: Rule = Rule {
    id: "instance-profile",
    severity: Severity::Block,
    summary: "the ARN of an instance profile",
    why: "Instances call with the role inside their profile. The row never matches, and the nodes never join.",
    before: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:instance-profile/Node
    username: system:node:{{EC2PrivateDNSName}}
    groups: [system:bootstrappers, system:nodes]
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Node
    username: system:node:{{EC2PrivateDNSName}}
    groups: [system:bootstrappers, system:nodes]
",
    repair: "Write the ARN of the role: `aws iam get-instance-profile` shows it.",
};

pub(in crate::check) const STS_ARN: Rule = Rule {
    id: "sts-arn",
    severity: Severity::Block,
    summary: "an ARN of `sts` that no caller has",
    why: "STS knows sessions of roles and federated users, no roles. The row never matches.",
    before: "
mapRoles: |
  - rolearn: arn:aws:sts::111122223333:role/Dev
    username: dev
    groups: [team]
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team]
",
    repair: "Write `arn:aws:iam::ACCOUNT:role/NAME`.",
};

pub(in crate::check) const ASSUMED_ROLE: Rule = Rule {
    id: "assumed-role-arn",
    severity: Severity::Warn,
    summary: "the ARN of a session instead of its role",
    why: "kube-iam takes it for the role. The Go authenticator and EKS compare it as it stands with the role's ARN, and \
          it never matches.",
    before: "
mapRoles: |
  - rolearn: arn:aws:sts::111122223333:assumed-role/Dev/alice
    username: dev
    groups: [team]
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team]
",
    repair: "`check --fix` writes the ARN of the role. Where the Go authenticator or EKS decides, that lets people in who \
             were not let in before, in every session of the role: it is shown as a grant and asks.",
};

pub(in crate::check) const ROLE_PATH: Rule = Rule {
    id: "role-path",
    severity: Severity::Warn,
    summary: "the ARN of a role with its path",
    why: "STS reports roles without their path. kube-iam ignores the path; under the Go authenticator and EKS the row \
          never matches. The form without path is wider: it matches a role of this name in any path.",
    before: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/team/Dev
    username: dev
    groups: [team]
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team]
",
    repair: "`check --fix` removes the path. Where the Go authenticator or EKS decides, that lets people in who were not \
             let in before: it is shown as a grant and asks.",
};

pub(in crate::check) const SSO_PATH: Rule = Rule {
    id: "sso-path",
    severity: Severity::Warn,
    summary: "the ARN of an Identity Center role with its path",
    why: "IAM shows these roles below `aws-reserved/sso.amazonaws.com/`; STS does not. Under the Go authenticator and \
          EKS the row never matches.",
    before: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Dev_0123456789abcdef
    username: dev
    groups: [team]
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/AWSReservedSSO_Dev_0123456789abcdef
    username: dev
    groups: [team]
",
    repair: "`check --fix` removes the path; see `role-path`.",
};

pub(in crate::check) const SSO_SUFFIX: Rule = Rule {
    id: "sso-suffix",
    severity: Severity::Note,
    summary: "the name of an Identity Center role ends in digits that change",
    why: "When the permission set is provisioned anew, its role gets another suffix, and everybody who came in by this \
          row is locked out at once.",
    before: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/AWSReservedSSO_Dev_0123456789abcdef
    username: dev
    groups: [team]
",
    after: "
mapRoles: |
  - sso:
      permissionSetName: Dev
      accountID: \"111122223333\"
    username: dev
    groups: [team]
",
    repair: "Where kube-iam decides, name the permission set instead. Elsewhere keep a second way in.",
};

pub(in crate::check) const SSO_ROW: Rule = Rule {
    id: "sso-row",
    severity: Severity::Warn,
    summary: "an `sso` row that only kube-iam is sure to match",
    why: "EKS ignores such rows. The Go authenticator matches them only with the feature gate `SSORoleMatch`, and never \
          if `partition` is written.",
    before: "
mapRoles: |
  - sso:
      permissionSetName: Dev
      accountID: \"111122223333\"
    username: dev
    groups: [team]
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/AWSReservedSSO_Dev_0123456789abcdef
    username: dev
    groups: [team]
",
    repair: "Write today's ARN of the role, or say with `--authenticator kube-iam` that kube-iam decides here.",
};

pub(in crate::check) const SSO_INVALID: Rule = Rule {
    id: "sso-invalid",
    severity: Severity::Block,
    summary: "an `sso` row with a key missing or a value that can't be right",
    why: "The row is dropped.",
    before: "
mapRoles: |
  - sso:
      permissionSetName: Dev
      accountID: \"1111\"
    username: dev
    groups: [team]
",
    after: "
mapRoles: |
  - sso:
      permissionSetName: Dev
      accountID: \"111122223333\"
    username: dev
    groups: [team]
",
    repair: "Give `permissionSetName` (1 to 32 of letters, digits and `_+=,.@-`) and `accountID` (twelve digits, in \
             quotes); `partition` only outside `aws`.",
};

pub(in crate::check) const SSO_OVERLAP: Rule = Rule {
    id: "sso-overlap",
    severity: Severity::Warn,
    summary: "an `sso` row and a row with the ARN of its role",
    why: "kube-iam takes the exact ARN. The Go authenticator draws by lot for every request.",
    before: "
mapRoles: |
  - sso:
      permissionSetName: Dev
      accountID: \"111122223333\"
    username: dev
    groups: [team]
  - rolearn: arn:aws:iam::111122223333:role/AWSReservedSSO_Dev_0123456789abcdef
    username: dev
    groups: [other]
",
    after: "
mapRoles: |
  - sso:
      permissionSetName: Dev
      accountID: \"111122223333\"
    username: dev
    groups: [team, other]
",
    repair: "Keep one of the two.",
};

pub(in crate::check) const WILDCARD: Rule = Rule {
    id: "wildcard",
    severity: Severity::Block,
    summary: "`*` or `?` in an ARN, a username or a group",
    why: "There are no wildcards in aws-auth: the character stands for itself, and nobody's name contains it.",
    before: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/AWSReservedSSO_Dev_*
    username: dev
    groups: [team]
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/AWSReservedSSO_Dev_0123456789abcdef
    username: dev
    groups: [team]
",
    repair: "Write one row for each principal; for Identity Center an `sso` row, where kube-iam decides.",
};

pub(in crate::check) const ACCOUNT_UNQUOTED: Rule = Rule {
    id: "account-unquoted",
    severity: Severity::Warn,
    summary: "an account ID without quotes",
    why: "YAML takes it for a number: tools that rewrite the document drop leading zeros or read it as octal, and an \
          `sso` row with a number is half read by the Go authenticator.",
    before: "
mapRoles: |
  []
mapAccounts: |
  - 012345670123
",
    after: "
mapRoles: |
  []
mapAccounts: |
  - \"012345670123\"
",
    repair: "`check --fix` puts it in quotes.",
};

pub(in crate::check) const ACCOUNT_INVALID: Rule = Rule {
    id: "account-invalid",
    severity: Severity::Block,
    summary: "an account that is not twelve digits",
    why: "No caller belongs to it. Eleven digits are often an ID whose leading zero was lost.",
    before: "
mapRoles: |
  []
mapAccounts: |
  - \"12345670123\"
",
    after: "
mapRoles: |
  []
mapAccounts: |
  - \"012345670123\"
",
    repair: "Write the account's twelve digits, in quotes.",
};
