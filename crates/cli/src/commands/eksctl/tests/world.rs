//! Surroundings in memory.

use std::cell::{RefCell, RefMut};
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;

use jiff::civil::{DateTime, date};
use kube_iam_cluster::Current;
use kube_iam_core::aws_auth::Data;
use kube_iam_core::eksctl::{Applied, ClusterAccount, RbacObject};
use kube_iam_core::guard::{Facts, LiveNode};
use kube_iam_core::yaml;
use serde_json::Value;

use crate::commands::eksctl::load::Loaded;
use crate::commands::eksctl::surroundings::{Derive, Surroundings, World};
use crate::mappings::{self, State};
use crate::report::Failure;

/// A cluster in memory.
pub(super) struct Cluster {
    /// The data of aws-auth; `None` if it is absent.
    pub(super) data: Option<Data>,
    pub(super) account: Option<ClusterAccount>,
    pub(super) ignores_aws_auth: bool,
    /// What the guard is told.
    pub(super) facts: Facts,
    /// What AWS says of the nodes, if it is asked.
    pub(super) nodes: Option<Vec<LiveNode>>,
    /// How often AWS was asked.
    pub(super) asked: usize,
    pub(super) writes: usize,
    /// Writes of others, one before each attempt of ours.
    pub(super) rivals: Vec<(&'static str, String)>,
    /// How many writes are made without an answer.
    pub(super) lose_answers: usize,
    pub(super) objects: Vec<String>,
    pub(super) refuses_bindings: bool,
}

/// What a command sees, and what it leaves behind.
pub(super) struct TestWorld {
    pub(super) stdout: String,
    pub(super) stderr: String,
    pub(super) files: BTreeMap<String, String>,
    pub(super) loaded: Option<Loaded>,
    cluster: Rc<RefCell<Cluster>>,
}

impl TestWorld {
    fn around(data: Option<Data>) -> Self {
        let cluster = Cluster {
            data,
            account: Some(ClusterAccount { partition: "aws".parse().unwrap(), account: "111122223333".into() }),
            ignores_aws_auth: false,
            facts: Facts::default(),
            nodes: None,
            asked: 0,
            writes: 0,
            rivals: Vec::new(),
            lose_answers: 0,
            objects: Vec::new(),
            refuses_bindings: false,
        };
        Self {
            stdout: String::new(),
            stderr: String::new(),
            files: BTreeMap::new(),
            loaded: None,
            cluster: Rc::new(RefCell::new(cluster)),
        }
    }

    /// A cluster whose aws-auth holds these sections.
    pub(super) fn with(sections: &[(&str, &str)]) -> Self {
        Self::around(Some(sections.iter().map(|(key, text)| ((*key).into(), (*text).into())).collect()))
    }

    /// A cluster whose aws-auth has this YAML text as its data.
    pub(super) fn of(configmap: &Value) -> Self {
        let Some(text) = configmap.as_str() else { return Self::around(None) };
        let node = yaml::parse(text).unwrap();
        let entries = node.as_ref().and_then(|node| node.entries()).unwrap_or_default();
        let pairs = entries.iter().map(|entry| (entry.key.to_owned(), entry.value.as_text().unwrap().to_owned()));
        Self::around(Some(pairs.collect()))
    }

    /// How often it was written, and what mapRoles is.
    pub(super) fn roles(&self) -> (usize, String) {
        let cluster = self.cluster.borrow();
        (cluster.writes, cluster.data.as_ref().unwrap()["mapRoles"].clone())
    }

    pub(super) fn cluster(&self) -> RefMut<'_, Cluster> {
        self.cluster.borrow_mut()
    }
}

impl Surroundings for TestWorld {
    fn out(&mut self, text: &str) {
        self.stdout.push_str(&text.replace("2026-08-01 00:00:00", "<time>"));
    }

    fn err(&mut self, text: &str) {
        self.stderr.push_str(&anstream::adapter::strip_str(text).to_string());
    }

    fn now(&self) -> DateTime {
        date(2026, 8, 1).at(0, 0, 0, 0)
    }

    fn read(&mut self, path: &str) -> io::Result<String> {
        self.files.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn connect(&mut self, loaded: &Loaded) -> Result<Box<dyn World>, Failure> {
        self.loaded = Some(loaded.clone());
        Ok(Box::new(Connected(Rc::clone(&self.cluster))))
    }
}

struct Connected(Rc<RefCell<Cluster>>);

fn state(data: Option<&Data>) -> State {
    let mut state = State::from(Current::Absent);
    state.data = data.cloned().unwrap_or_default();
    state
}

impl World for Connected {
    fn read(&mut self) -> Result<State, Failure> {
        Ok(state(self.0.borrow().data.as_ref()))
    }

    fn look(&mut self) -> Result<(State, mappings::Surroundings), Failure> {
        let facts = self.0.borrow().facts.clone();
        Ok((
            self.read()?,
            mappings::Surroundings { facts, bound_groups: Some(["bound".to_owned()].into()), nodes: None },
        ))
    }

    fn ask_for_roles(&mut self, surroundings: &mut mappings::Surroundings) {
        let mut cluster = self.0.borrow_mut();
        cluster.asked += 1;
        if let Some(nodes) = &cluster.nodes {
            surroundings.facts.nodes = Some(nodes.clone());
        }
    }

    fn edit(&mut self, mut start: State, derive: &mut Derive<'_>) -> Result<(), Failure> {
        let mut cluster = self.0.borrow_mut();
        let mut maybe_written = false;
        loop {
            let touched = derive(&start, maybe_written)?;
            if let Some((key, text)) = cluster.rivals.pop() {
                cluster.data.get_or_insert_default().insert(key.into(), text);
            } else if let Some(touched) = touched {
                cluster.writes += 1;
                let changed = touched.data.into_iter().map(|(key, text)| (key, text.unwrap()));
                cluster.data.get_or_insert_default().extend(changed);
                match cluster.lose_answers.checked_sub(1) {
                    Some(left) => (cluster.lose_answers, maybe_written) = (left, true),
                    None => return Ok(()),
                }
            } else {
                return Ok(());
            }
            start = state(cluster.data.as_ref());
        }
    }

    fn apply(&mut self, object: &RbacObject) -> Result<Applied, Failure> {
        let mut cluster = self.0.borrow_mut();
        let name = format!("{}/{}/{}", object.namespace, object.kind, object.name);
        if object.kind == "RoleBinding" && cluster.refuses_bindings {
            return Err(Failure::new("it is not allowed"));
        }
        match cluster.objects.contains(&name) {
            true => Ok(Applied::Replaced),
            false => {
                cluster.objects.push(name);
                Ok(Applied::Created)
            }
        }
    }

    fn home(&self) -> Option<ClusterAccount> {
        self.0.borrow().account.clone()
    }

    fn account(&mut self) -> Result<Option<ClusterAccount>, Failure> {
        Ok(self.0.borrow().account.clone())
    }

    fn ignores_aws_auth(&self) -> bool {
        self.0.borrow().ignores_aws_auth
    }
}
