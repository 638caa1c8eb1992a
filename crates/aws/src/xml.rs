//! XML as AWS's query services write it: elements and text. Attributes, namespaces, comments and instructions mean nothing there and
//! are dropped; a document type, and with it every entity of its own, is refused.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};

use crate::limits;

/// An element with what is in it.
#[derive(Debug, Default)]
pub(crate) struct Element {
    name: String,
    text: String,
    children: Vec<Self>,
}

/// Why a text is not a document of elements.
#[derive(Debug, thiserror::Error)]
pub(crate) enum XmlError {
    #[error("the answer is not well-formed XML")]
    Syntax(#[from] quick_xml::Error),
    #[error("the answer is not UTF-8")]
    Encoding(#[from] std::str::Utf8Error),
    #[error("the answer ends in the middle of its XML")]
    Unfinished,
    #[error("the answer holds no XML element, or several")]
    Root,
    #[error("the answer has a document type")]
    DocumentType,
    #[error("the answer refers to the unknown entity `{0}`")]
    Entity(String),
    #[error("the answer is no `{0}`")]
    OtherAnswer(String),
    #[error("the answer has too many or too deeply nested XML elements")]
    TooLarge,
}

impl Element {
    /// Reads a whole document.
    pub(crate) fn parse(document: &[u8]) -> Result<Self, XmlError> {
        let mut reader = Reader::from_str(std::str::from_utf8(document)?);
        let mut open: Vec<Self> = Vec::new();
        let mut root = None;
        let mut elements = 0;
        let mut count = |depth: usize| {
            elements += 1;
            let fits = elements <= limits::XML_ELEMENTS && depth < limits::XML_DEPTH;
            if fits { Ok(()) } else { Err(XmlError::TooLarge) }
        };
        loop {
            match reader.read_event()? {
                Event::Start(start) => {
                    count(open.len())?;
                    open.push(Self::named(&start));
                }
                Event::Empty(start) => {
                    count(open.len())?;
                    close(Self::named(&start), &mut open, &mut root)?;
                }
                // The reader has compared the names.
                Event::End(_) => {
                    let element = open.pop().ok_or(XmlError::Unfinished)?;
                    close(element, &mut open, &mut root)?;
                }
                Event::Text(text) => append(&mut open, &text.xml10_content()),
                Event::CData(text) => append(&mut open, &text.xml10_content()),
                Event::GeneralRef(reference) => append(&mut open, &resolved(&reference)?),
                Event::DocType(_) => return Err(XmlError::DocumentType),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
                Event::Eof if open.is_empty() => return root.ok_or(XmlError::Root),
                Event::Eof => return Err(XmlError::Unfinished),
            }
        }
    }

    fn named(start: &BytesStart<'_>) -> Self {
        Self { name: start.local_name().as_ref().to_owned(), ..Self::default() }
    }

    /// This document as the answer to an action: `<ActionResponse>`.
    pub(crate) fn response(&self, action: &str) -> Result<&Self, XmlError> {
        let response = self.name.strip_suffix("Response").filter(|name| *name == action);
        response.map(|_| self).ok_or_else(|| XmlError::OtherAnswer(format!("{action}Response")))
    }

    /// What the answer to an action holds: `<ActionResponse><ActionResult>`.
    pub(crate) fn result(&self, action: &str) -> Result<&Self, XmlError> {
        let name = format!("{action}Result");
        self.response(action)?.at(&[&name]).ok_or(XmlError::OtherAnswer(name))
    }

    /// Its own text, without blanks around.
    pub(crate) fn text(&self) -> &str {
        self.text.trim()
    }

    /// The children of this name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The one element at the end of this path of names; the first where there are several.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |element, name| element.children.iter().find(|child| child.name == *name))
    }

    /// The text at the end of a path, unless there is none or it is empty: AWS writes a missing value either way.
    pub(crate) fn text_at(&self, path: &[&str]) -> Option<&str> {
        self.at(path).map(Self::text).filter(|text| !text.is_empty())
    }
}

/// Puts a finished element where it belongs.
fn close(element: Element, open: &mut [Element], root: &mut Option<Element>) -> Result<(), XmlError> {
    match (open.last_mut(), &root) {
        (Some(parent), _) => parent.children.push(element),
        (None, None) => *root = Some(element),
        (None, Some(_)) => return Err(XmlError::Root),
    }
    Ok(())
}

/// Text outside the root is blank in a well-formed document; it is dropped.
fn append(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

/// What `&lt;` and `&#60;` stand for.
fn resolved(reference: &BytesRef<'_>) -> Result<String, XmlError> {
    if let Some(character) = reference.resolve_char_ref()? {
        return Ok(character.into());
    }
    let name: &str = reference;
    resolve_predefined_entity(name).map(str::to_owned).ok_or_else(|| XmlError::Entity(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Element, XmlError> {
        Element::parse(text.as_bytes())
    }

    #[test]
    fn elements_and_texts_are_read() {
        let root = parse(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- c --><r xmlns=\"http://x/\">\n  <a> 1 &lt;&#62;&amp; </a>\n  \
             <x:b z='&lt;'><c/><c>2<![CDATA[<d>]]></c></x:b>\n</r>\n",
        )
        .unwrap();
        assert_eq!(root.text_at(&["a"]), Some("1 <>&"));
        let texts: Vec<_> = root.at(&["b"]).unwrap().all("c").map(Element::text).collect();
        assert_eq!(texts, ["", "2<d>"]);
        assert_eq!((root.text_at(&["b", "c"]), root.text_at(&["b", "d"])), (None, None));
        assert_eq!(root.text(), "");
    }

    #[test]
    fn answers_go_by_their_names() {
        let root = parse("<GetRoleResponse><GetRoleResult/></GetRoleResponse>").unwrap();
        assert!(root.response("GetRole").is_ok() && root.result("GetRole").is_ok());
        assert!(root.response("GetRol").is_err() && root.result("GetUser").is_err());
        assert!(parse("<GetRoleResponse/>").unwrap().result("GetRole").is_err());
    }

    #[test]
    fn what_is_broken_cut_off_or_dangerous_is_refused() {
        for text in ["", " ", "text", "<!-- -->", "<a/><b/>"] {
            assert!(matches!(parse(text), Err(XmlError::Root)), "{text}: {:?}", parse(text));
        }
        for text in ["<a>", "<a><b></b>", "<a>text"] {
            assert!(matches!(parse(text), Err(XmlError::Unfinished)), "{text}: {:?}", parse(text));
        }
        for text in ["<a></b>", "</a>", "<a", "<a><b></a></b>", "<a>&", "<a>&#xD800;</a>", "<a>&#0;</a>"] {
            assert!(matches!(parse(text), Err(XmlError::Syntax(_))), "{text}: {:?}", parse(text));
        }
        let bomb = "<!DOCTYPE a [<!ENTITY b \"bbb\">]><a>&b;</a>";
        assert!(matches!(parse(bomb), Err(XmlError::DocumentType)));
        assert!(matches!(parse("<a>&b;</a>"), Err(XmlError::Entity(_))));
        assert!(matches!(Element::parse(b"<a>\xff</a>"), Err(XmlError::Encoding(_))));
    }

    #[test]
    fn depth_and_number_are_bounded() {
        let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
        assert!(parse(&nested(limits::XML_DEPTH)).is_ok());
        assert!(matches!(parse(&nested(limits::XML_DEPTH + 1)), Err(XmlError::TooLarge)));
        let many = |number: usize| format!("<r>{}</r>", "<a/>".repeat(number - 1));
        assert!(parse(&many(limits::XML_ELEMENTS)).is_ok());
        assert!(matches!(parse(&many(limits::XML_ELEMENTS + 1)), Err(XmlError::TooLarge)));
    }
}
