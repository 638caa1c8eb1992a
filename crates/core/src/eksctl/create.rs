//! `create iamidentitymapping`: one mapping, or those of a ClusterConfig.

mod accounts;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::go_text::quoted;
use super::line::Line;
use super::mapping::{Kind, Mapping};
use super::plan::{Plan, Refusal};
use super::service::{self, ClusterAccount};
use super::stored::{self, Identity};
use crate::aws_auth::{Data, NewRow, Operation, Section};
use accounts::Accounts;

/// Plans the mappings, one after the other, as one edit.
///
/// A mapping that is refused ends the row; those before it stay in the edit.
/// `applied` holds, per mapping, what became of its RBAC objects, which come
/// before the edit. Call [`super::validate`] first.
pub fn create(data: &Data, mappings: &[Mapping], cluster: Option<&ClusterAccount>, applied: &[Vec<Line>]) -> Plan {
    let mut plan = Plan::default();
    let mut draft = Draft { data, stored: None, added: Vec::new(), accounts: None };
    for (index, mapping) in mappings.iter().enumerate() {
        plan.reached = index + 1;
        plan.log.extend(applied.get(index).into_iter().flatten().cloned());
        let outcome = match mapping.kind() {
            Kind::Principal => draft.principal(mapping, &mut plan.log),
            Kind::Account => draft.account(mapping, &mut plan.log),
            Kind::Service => draft.service(cluster, &mut plan.log),
        };
        if let Err(refusal) = outcome {
            plan.refusal = Some(refusal);
            break;
        }
    }
    plan.operations = draft.operations();
    plan
}

/// aws-auth as it is while mappings are added.
struct Draft<'a> {
    data: &'a Data,
    /// The rows of mapRoles and mapUsers, read when the first is asked for.
    stored: Option<Vec<Identity>>,
    /// New rows, each after all others of its section.
    added: Vec<Identity>,
    /// Read when the first account is added.
    accounts: Option<Accounts>,
}

impl Draft<'_> {
    /// All rows: roles, then users, each in the order written.
    fn identities(&mut self) -> Result<impl Iterator<Item = &Identity>, Refusal> {
        let stored = match &mut self.stored {
            Some(stored) => stored,
            none => none.insert(stored::identities(self.data)?),
        };
        let (stored, added) = (&*stored, &self.added);
        let of = |section| stored.iter().chain(added).filter(move |identity| identity.section == section);
        Ok(of(Section::MapRoles).chain(of(Section::MapUsers)))
    }

    fn principal(&mut self, mapping: &Mapping, log: &mut Vec<Line>) -> Result<(), Refusal> {
        let section = mapping.section()?;
        let arn = &mapping.arn;
        // The first one settles the matter, whatever section it stands in.
        let found = self.identities()?.find(|identity| identity.arn == *arn);
        log.push(Line::info(format!("checking arn {arn} against entries in the auth ConfigMap")));
        if let Some(found) = found {
            if !mapping.no_duplicate_arns {
                log.push(Line::warning(format!(
                    "found existing mappings with same arn {} (which will be shadowed by your new mapping)",
                    quoted(arn)
                )));
            } else if is_same(found, section, mapping) {
                let text = "found existing mapping that matches the one being created, skipping.";
                log.push(Line::warning(text.into()));
                return Ok(());
            } else {
                return Err(Refusal::Shadowing(arn.clone()));
            }
        }
        self.add(section, arn.clone(), mapping.username.clone(), mapping.groups.clone(), log);
        Ok(())
    }

    fn account(&mut self, mapping: &Mapping, log: &mut Vec<Line>) -> Result<(), Refusal> {
        let accounts = match &mut self.accounts {
            Some(accounts) => accounts,
            none => none.insert(Accounts::of(stored::accounts(self.data, true)?)),
        };
        accounts.add(&mapping.account);
        log.push(Line::info(format!("adding account {} to auth ConfigMap", quoted(&mapping.account))));
        Ok(())
    }

    fn service(&mut self, cluster: Option<&ClusterAccount>, log: &mut Vec<Line>) -> Result<(), Refusal> {
        let arn = cluster.ok_or(Refusal::AccountUnknown)?.emr_role();
        let username = service::username();
        let is_there = self.identities()?.any(|identity| {
            identity.section == Section::MapRoles && identity.arn == arn && identity.username == username
        });
        if !is_there {
            self.add(Section::MapRoles, arn, username, Vec::new(), log);
        }
        Ok(())
    }

    fn add(&mut self, section: Section, arn: String, username: String, groups: Vec<String>, log: &mut Vec<Line>) {
        log.push(Line::info(format!("adding identity {} to auth ConfigMap", quoted(&arn))));
        let index = stored::count(self.stored.iter().flatten(), section);
        self.added.push(Identity { section, index, arn, username, groups });
    }

    fn operations(self) -> Vec<Operation> {
        let insert = |Identity { section, index, arn, username, groups }| {
            let username = Some(username).filter(|username| !username.is_empty());
            Operation::Insert { section, before: index, row: NewRow::arn(arn, username, groups) }
        };
        let mut operations: Vec<_> = self.added.into_iter().map(insert).collect();
        operations.extend(self.accounts.map(Accounts::into_operations).into_iter().flatten());
        operations
    }
}

/// Same kind, username and groups, the groups in any order.
fn is_same(found: &Identity, section: Section, mapping: &Mapping) -> bool {
    let sorted = |groups: &[String]| {
        let mut groups = groups.to_vec();
        groups.sort_unstable();
        groups
    };
    found.section == section && found.username == mapping.username && sorted(&found.groups) == sorted(&mapping.groups)
}
