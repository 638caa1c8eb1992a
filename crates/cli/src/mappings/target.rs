//! The aws-auth that is meant.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::Path;

use kube_iam_cluster::{Current, Touched, WriteOptions};
use kube_iam_core::authenticator::{Deciding, Mappings};
use kube_iam_core::aws_auth::{Data, Document, Section, SectionError};
use kube_iam_core::finding::Finding;
use kube_iam_core::manifest::Manifest;
use kube_iam_core::yaml::Mark;

use super::cluster::{self, Cluster};
use super::file::File;
use crate::args::TargetArgs;
use crate::exit::Exit;
use crate::output;
use crate::report::Failure;

/// Where aws-auth is kept.
pub enum Target {
    /// In a cluster.
    Cluster(Box<Cluster>),
    /// In a file.
    File(File),
}

/// aws-auth at one moment.
#[derive(Debug, Clone)]
pub struct State {
    /// Its data; empty if it is absent.
    pub data: Data,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// Where it was read.
    pub origin: Origin,
    /// The data as rows, once somebody has asked: parsing a long list takes its time.
    parsed: OnceCell<Result<Document, Vec<SectionError>>>,
}

/// Where a state was read.
#[derive(Debug, Clone)]
pub enum Origin {
    /// In a cluster.
    Cluster(Current),
    /// In a file; `None` if there is no file yet.
    File(Option<Box<Manifest>>),
}

impl State {
    /// aws-auth as it was read.
    pub fn new(data: Data, annotations: BTreeMap<String, String>, origin: Origin) -> Self {
        Self { data, annotations, origin, parsed: OnceCell::new() }
    }

    /// The same with the touched keys changed. `document` is what those texts were
    /// made from, if the whole was one.
    pub fn with(&self, touched: &Touched, document: Option<Document>) -> Self {
        let mut after = Self::new(self.data.clone(), self.annotations.clone(), self.origin.clone());
        for (texts, touched) in [(&mut after.data, &touched.data), (&mut after.annotations, &touched.annotations)] {
            for (key, text) in touched {
                match text {
                    Some(text) => texts.insert(key.clone(), text.clone()),
                    None => texts.remove(key),
                };
            }
        }
        if let Some(document) = document {
            after.parsed = OnceCell::from(Ok(document));
        }
        after
    }

    /// The data as rows.
    pub fn rows(&self) -> Result<&Document, &[SectionError]> {
        self.parsed.get_or_init(|| Document::parse(&self.data)).as_ref().map_err(Vec::as_slice)
    }

    /// The mappings as the authenticators read them.
    pub fn mappings(&self) -> Mappings {
        match self.rows() {
            Ok(document) => Mappings::of(document),
            Err(_) => Mappings::read(|section| self.data.get(section.as_str()).map(String::as_str)),
        }
    }

    /// Whether there is an aws-auth at all.
    pub fn exists(&self) -> bool {
        !matches!(self.origin, Origin::Cluster(Current::Absent) | Origin::File(None))
    }

    /// Where a place of a section is: in the file if there is one.
    pub fn locate(&self, section: Section, mark: Mark) -> Mark {
        match &self.origin {
            Origin::File(Some(manifest)) => manifest.locate(section, mark),
            _ => mark,
        }
    }

    /// Where a finding belongs: in the file, or in its section of an object. What is
    /// about the whole stands where the data of a file begin.
    pub fn place_of(&self, finding: &Finding) -> Option<Mark> {
        match (&self.origin, finding.section.zip(finding.mark)) {
            (_, Some((section, mark))) => Some(self.locate(section, mark)),
            (Origin::File(Some(manifest)), None) => Some(manifest.data_mark()),
            _ => None,
        }
    }

    /// The rows, for those who write: what can't be read is refused.
    pub fn document(&self) -> Result<&Document, Failure> {
        self.rows().map_err(|problems| self.unreadable(problems))
    }

    /// Says where a document can't be read.
    pub fn unreadable(&self, problems: &[SectionError]) -> Failure {
        let failure = Failure::new("aws-auth can't be read, so nothing is done").exit(Exit::Usage);
        let failure = problems.iter().fold(failure, |failure, problem| {
            let mark = self.locate(problem.section, problem.mark);
            failure.because(&SectionError { mark, ..problem.clone() })
        });
        failure.hint("run `kube-iam check` to see all of it, and `kube-iam edit` to mend it".to_string())
    }
}

impl Target {
    /// Finds aws-auth. Of a cluster nothing is asked yet, but that EKS describes it.
    pub async fn open(args: &TargetArgs) -> Result<Self, Failure> {
        match &args.manifest {
            Some(path) => {
                if args.cluster.region.is_some() || args.cluster.profile.is_some() {
                    output::warn("nothing is asked of AWS for a file: `--region` and `--profile` have no effect");
                }
                Ok(Self::file(path))
            }
            None => Ok(Self::Cluster(Box::new(Cluster::open(&args.cluster).await?))),
        }
    }

    /// The file at a path.
    pub fn file(path: &Path) -> Self {
        Self::File(File::new(path))
    }

    /// Which authenticator decides, as far as that is known.
    pub fn deciding(&self, args: &TargetArgs) -> Deciding {
        match self {
            Self::Cluster(cluster) => cluster.deciding(args.authenticator),
            Self::File(_) => args.authenticator,
        }
    }

    /// What a person calls it.
    pub fn name(&self) -> String {
        match self {
            Self::Cluster(_) => "aws-auth".to_owned(),
            Self::File(file) => format!("`{}`", file.name()),
        }
    }

    /// The file, if it is one.
    pub fn file_name(&self) -> Option<String> {
        match self {
            Self::Cluster(_) => None,
            Self::File(file) => Some(file.name()),
        }
    }

    /// The flag that names it, after a blank, for commands in hints.
    pub fn flag(&self) -> String {
        self.file_name().map(|name| format!(" --manifest {name}")).unwrap_or_default()
    }

    /// Whether somebody at the terminal can be asked: not if stdin is the document.
    pub fn leaves_stdin(&self) -> bool {
        !matches!(self, Self::File(file) if file.is_stdin())
    }

    /// Reads it.
    pub async fn read(&self) -> Result<State, Failure> {
        match self {
            Self::Cluster(cluster) => cluster.read().await.map_err(|error| cluster::unread(&error)),
            Self::File(file) => file.read(),
        }
    }

    /// Derives what to write from what is there, as often as it takes until it is
    /// written; `None` writes nothing. Gives the state afterwards.
    pub async fn edit(
        &self,
        start: State,
        options: &WriteOptions,
        mut derive: impl FnMut(&State, bool) -> Result<Option<Touched>, Failure>,
    ) -> Result<State, Failure> {
        match self {
            Self::Cluster(cluster) => cluster.edit(start, options, derive).await.map_err(cluster::unwritten),
            Self::File(file) => {
                let touched = derive(&start, false)?;
                file.write(start, touched, options.dry_run)
            }
        }
    }
}
