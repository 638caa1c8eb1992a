//! The access keys the stand-in knows: those it was given and those it gave out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use jiff::Timestamp;

use crate::random::{self, NoRandomness};
use crate::settings::{Key, Principal};
use crate::{limits, sigv4};

/// A key with what is derived from it.
pub(crate) struct KnownKey {
    secret_access_key: String,
    pub(crate) session_token: Option<String>,
    pub(crate) principal: Principal,
    pub(crate) expires: Option<Timestamp>,
    /// The role, if this is a session the stand-in made.
    pub(crate) role_arn: Option<String>,
    signing_keys: Mutex<Vec<SigningKey>>,
}

struct SigningKey {
    date: String,
    region: String,
    service: &'static str,
    key: [u8; 32],
}

impl KnownKey {
    fn new(key: Key, role_arn: Option<String>) -> Self {
        Self {
            secret_access_key: key.secret_access_key,
            session_token: key.session_token,
            principal: key.principal,
            expires: key.expires,
            role_arn,
            signing_keys: Mutex::default(),
        }
    }

    /// The signing key of a scope, remembered: deriving one costs four HMACs.
    pub(crate) fn signing_key(&self, date: &str, region: &str, service: &'static str) -> [u8; 32] {
        let mut known = self.signing_keys.lock().unwrap_or_else(PoisonError::into_inner);
        let same =
            |signing: &&SigningKey| (&*signing.date, &*signing.region, signing.service) == (date, region, service);
        if let Some(found) = known.iter().find(same) {
            return found.key;
        }
        let key = sigv4::signing_key(&self.secret_access_key, date, region, service);
        if known.len() == limits::SIGNING_KEYS {
            known.clear();
        }
        known.push(SigningKey { date: date.to_owned(), region: region.to_owned(), service, key });
        key
    }
}

/// Temporary credentials just made.
pub(crate) struct Credentials {
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: String,
    pub(crate) session_token: String,
    pub(crate) expires: Timestamp,
}

/// No further credentials could be made.
#[derive(Debug)]
pub(crate) enum CannotIssue {
    NoRandomness,
    TooMany,
}

impl From<NoRandomness> for CannotIssue {
    fn from(_: NoRandomness) -> Self {
        Self::NoRandomness
    }
}

/// Every key by its id.
#[derive(Default)]
pub(crate) struct Keys(RwLock<HashMap<String, Arc<KnownKey>>>);

impl Keys {
    pub(crate) fn add(&self, key: Key) {
        let id = key.access_key_id.clone();
        self.insert(id, KnownKey::new(key, None));
    }

    /// Forgets a key; false if it was unknown.
    pub(crate) fn revoke(&self, access_key_id: &str) -> bool {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(access_key_id).is_some()
    }

    pub(crate) fn find(&self, access_key_id: &str) -> Option<Arc<KnownKey>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(access_key_id).cloned()
    }

    /// Makes a temporary key for a session of a role.
    pub(crate) fn issue(
        &self,
        principal: Principal,
        role_arn: &str,
        now: Timestamp,
        expires: Timestamp,
    ) -> Result<Credentials, CannotIssue> {
        self.make_room(now)?;
        let credentials = Credentials {
            access_key_id: format!("ASIA{}", random::base32(16)?),
            secret_access_key: random::base64(40)?,
            // About as long as the real ones, which matters to URL length limits.
            session_token: format!("IQoJb3JpZ2luX2VjE{}", random::base64(339)?),
            expires,
        };
        let key = Key {
            access_key_id: credentials.access_key_id.clone(),
            secret_access_key: credentials.secret_access_key.clone(),
            session_token: Some(credentials.session_token.clone()),
            principal,
            expires: Some(expires),
        };
        let known = KnownKey::new(key, Some(role_arn.to_owned()));
        self.insert(credentials.access_key_id.clone(), known);
        Ok(credentials)
    }

    fn make_room(&self, now: Timestamp) -> Result<(), CannotIssue> {
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= limits::KEYS {
            keys.retain(|_, key| key.expires.is_none_or(|expires| now < expires));
        }
        if keys.len() >= limits::KEYS {
            return Err(CannotIssue::TooMany);
        }
        Ok(())
    }

    fn insert(&self, access_key_id: String, key: KnownKey) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(access_key_id, Arc::new(key));
    }
}
