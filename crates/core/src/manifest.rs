//! A file that holds aws-auth: a ConfigMap in YAML or JSON, alone, among other
//! objects or in a List, or its bare data.
//!
//! A text kept in a block after `|` is changed line by line, so that a diff of
//! the file shows what changed and nothing else. Kept in another form, it is
//! written anew as a whole.

mod literal;
mod remove;
mod write;

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use self::write::Form;
use crate::aws_auth::{Data, Section};
use crate::yaml::edit::{self, Refusal};
use crate::yaml::{self, Mark, Node, Style, Value, YamlError};

/// The object's name.
const NAME: &str = "aws-auth";
/// The object's namespace.
const NAMESPACE: &str = "kube-system";

/// Why a file can't be used as aws-auth.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// It is no YAML.
    #[error("it is no readable YAML, {}: {}", .0.mark, .0.reason)]
    Yaml(YamlError),
    /// There is no aws-auth in it.
    #[error("it holds neither a ConfigMap `{NAMESPACE}/{NAME}` nor its bare data")]
    NotFound,
    /// There is more than one.
    #[error("it holds aws-auth more than once, {0} and {1}")]
    Twice(Mark, Mark),
    /// A value that must be a text is none.
    #[error("`{key}` must be a text, {mark}; this is {found}")]
    NoText {
        /// The key.
        key: String,
        /// Where the value is.
        mark: Mark,
        /// What it is.
        found: &'static str,
    },
    /// A key stands twice in the data.
    #[error("`{0}` stands twice in the data, {1}")]
    Repeated(String, Mark),
    /// The text can't be changed in place.
    #[error("it can't be changed in place: {0}")]
    Refused(Refusal),
    /// The changed text would not be read as wanted.
    #[error("it would not be read as wanted after the change")]
    Unsafe,
}

/// Where the object is in the file.
#[derive(Debug, Clone)]
enum Target {
    /// A ConfigMap.
    ConfigMap,
    /// The data alone.
    BareData,
}

/// Keys that change, each with its new text; `None` removes one.
pub type Changes = BTreeMap<String, Option<String>>;

/// A file with aws-auth in it.
#[derive(Debug, Clone)]
pub struct Manifest {
    text: String,
    documents: Vec<Rc<Node>>,
    object: Rc<Node>,
    target: Target,
}

impl Manifest {
    /// Finds aws-auth in a file.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        let documents = yaml::parse_all(text).map_err(ManifestError::Yaml)?;
        let mut found: Vec<(&Rc<Node>, Target)> = Vec::new();
        for document in &documents {
            let items = value_of(document, "items").and_then(|items| items.as_sequence());
            let objects = items.into_iter().flatten().chain(core::iter::once(document));
            found.extend(objects.filter(|object| is_aws_auth(object)).map(|object| (object, Target::ConfigMap)));
            if is_bare_data(document) {
                found.push((document, Target::BareData));
            }
        }
        let (object, target) = match found.as_slice() {
            [] => return Err(ManifestError::NotFound),
            [(object, target)] => (Rc::clone(object), target.clone()),
            [(first, _), (second, _), ..] => return Err(ManifestError::Twice(first.mark, second.mark)),
        };
        let manifest = Self { text: text.into(), documents, object, target };
        manifest.read_texts(manifest.data_map())?;
        Ok(manifest)
    }

    /// A manifest of aws-auth with the given data, as it would be applied.
    pub fn fresh(data: &Data) -> String {
        let mut text =
            format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {NAME}\n  namespace: {NAMESPACE}\ndata:\n");
        for (key, value) in data {
            text.push_str(&write::block_entry(2, key, value, "\n"));
        }
        text
    }

    /// The text of the file.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The data.
    pub fn data(&self) -> Data {
        self.read_texts(self.data_map()).unwrap_or_default()
    }

    /// Whether annotations can be kept: bare data has none.
    pub fn has_metadata(&self) -> bool {
        matches!(self.target, Target::ConfigMap)
    }

    /// The annotations.
    pub fn annotations(&self) -> BTreeMap<String, String> {
        let metadata = value_of(&self.object, "metadata");
        let annotations = metadata.and_then(|metadata| value_of(metadata, "annotations"));
        self.read_texts(annotations).unwrap_or_default()
    }

    /// A key that says something beside the data and which object it is.
    pub fn beside_the_data(&self) -> Option<(&str, Mark)> {
        if !self.has_metadata() {
            return None;
        }
        let metadata =
            value_of(&self.object, "metadata").and_then(|metadata| other_key(metadata, &["name", "namespace"]));
        metadata.or_else(|| other_key(&self.object, &["apiVersion", "kind", "metadata", "data"]))
    }

    fn data_map(&self) -> Option<&Rc<Node>> {
        match self.target {
            Target::ConfigMap => value_of(&self.object, "data"),
            Target::BareData => Some(&self.object),
        }
    }

    fn read_texts(&self, map: Option<&Rc<Node>>) -> Result<Data, ManifestError> {
        let mut texts = Data::new();
        let Some(map) = map.filter(|map| !map.is_null()) else { return Ok(texts) };
        let no_text =
            |key: &str, node: &Node| ManifestError::NoText { key: key.into(), mark: node.mark, found: node.describe() };
        let entries = map.entries().ok_or_else(|| no_text("data", map))?;
        for entry in entries {
            let text = entry.value.as_text().ok_or_else(|| no_text(entry.key, entry.value))?;
            if texts.insert(entry.key.into(), text.into()).is_some() {
                return Err(ManifestError::Repeated(entry.key.into(), entry.mark));
            }
        }
        Ok(texts)
    }

    /// The text of the file after some data keys and annotations got other texts, or
    /// were removed (`None`). It is read again and compared with what was wanted.
    ///
    /// # Errors
    ///
    /// The change can't be made in place, or would not be read as wanted.
    pub fn edit(&self, data: &Changes, annotations: &Changes) -> Result<String, ManifestError> {
        let mut text = self.text.clone();
        for (key, value) in data {
            let path: &[&str] = if self.has_metadata() { &["data", key] } else { &[key] };
            text = Self::parse(&text)?.change(path, value.as_deref())?;
        }
        for (key, value) in annotations {
            text = Self::parse(&text)?.change(&["metadata", "annotations", key], value.as_deref())?;
        }
        Ok(text)
    }

    fn change(&self, path: &[&str], value: Option<&str>) -> Result<String, ManifestError> {
        match self.change_as(path, value, Form::Readable) {
            Err(ManifestError::Unsafe) if value.is_some() => self.change_as(path, value, Form::Quoted),
            result => result,
        }
    }

    fn change_as(&self, path: &[&str], value: Option<&str>, form: Form) -> Result<String, ManifestError> {
        let splices = match value {
            Some(value) => write::set(&self.text, &self.object, path, value, form),
            None => remove::remove(&self.text, &self.object, path),
        };
        let splices = splices.map_err(ManifestError::Refused)?;
        let text = edit::apply(&self.text, splices).map_err(ManifestError::Refused)?;
        let after = yaml::parse_all(&text).map_err(|_| ManifestError::Unsafe)?;
        let wanted = self.documents.iter().map(|document| write::with(document, &self.object, path, value));
        let same =
            after.len() == self.documents.len() && after.iter().zip(wanted).all(|(is, wanted)| is.means(&wanted));
        if same { Ok(text) } else { Err(ManifestError::Unsafe) }
    }

    /// Where in the file the data begin.
    pub fn data_mark(&self) -> Mark {
        match self.target {
            Target::ConfigMap => pair_of(&self.object, "data").map_or(self.object.mark, |(key, _)| key.mark),
            Target::BareData => self.object.mark,
        }
    }

    /// Where in the file a place of a section is.
    pub fn locate(&self, section: Section, mark: Mark) -> Mark {
        let data = self.data_map();
        let Some((key, value)) = data.and_then(|data| pair_of(data, section.as_str())) else { return mark };
        match literal::Block::find(&self.text, key, value) {
            Ok(block) => Mark { line: key.mark.line + mark.line, column: mark.column + block.indent },
            Err(_) => value.mark,
        }
    }
}

fn pair_of<'a>(node: &'a Node, key: &str) -> Option<(&'a Rc<Node>, &'a Rc<Node>)> {
    let Value::Mapping(pairs) = &node.value else { return None };
    pairs.iter().find(|(name, _)| name.as_written() == Some(key)).map(|(key, value)| (key, value))
}

fn value_of<'a>(node: &'a Node, key: &str) -> Option<&'a Rc<Node>> {
    pair_of(node, key).map(|(_, value)| value)
}

fn other_key<'a>(node: &'a Node, known: &[&str]) -> Option<(&'a str, Mark)> {
    let Value::Mapping(pairs) = &node.value else { return None };
    pairs.iter().find_map(|(key, _)| Some((key.as_written()?, key.mark)).filter(|(name, _)| !known.contains(name)))
}

fn is_aws_auth(object: &Node) -> bool {
    let metadata = value_of(object, "metadata");
    let named = |key: &str| metadata.and_then(|metadata| value_of(metadata, key)?.as_text());
    value_of(object, "kind").and_then(|kind| kind.as_text()) == Some("ConfigMap")
        && named("name") == Some(NAME)
        && named("namespace").is_none_or(|namespace| namespace == NAMESPACE)
}

fn is_bare_data(document: &Node) -> bool {
    value_of(document, "kind").is_none()
        && Section::ALL.iter().any(|section| value_of(document, section.as_str()).is_some())
}

/// Whether a value is a map by indentation.
fn is_block_map(node: &Node) -> bool {
    node.place.style == Style::Block && matches!(node.value, Value::Mapping(_))
}

#[cfg(test)]
mod tests;
