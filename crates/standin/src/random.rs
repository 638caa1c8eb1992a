//! Unforeseeable names and secrets in AWS's alphabets.

use rustls::crypto::ring;

/// The operating system gave no randomness.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no randomness")]
pub struct NoRandomness;

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// `length` characters of the alphabet of access key ids.
pub(crate) fn base32(length: usize) -> Result<String, NoRandomness> {
    text(BASE32, length)
}

/// `length` characters of the alphabet of secrets and session tokens.
pub(crate) fn base64(length: usize) -> Result<String, NoRandomness> {
    text(BASE64, length)
}

pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    fill(&mut bytes)?;
    Ok(bytes)
}

/// Both alphabets have a power of two of characters, so that none is likelier.
fn text(alphabet: &[u8], length: usize) -> Result<String, NoRandomness> {
    let mut bytes = vec![0; length];
    fill(&mut bytes)?;
    Ok(bytes
        .iter()
        .filter_map(|byte| alphabet.get(usize::from(*byte) % alphabet.len()))
        .map(|byte| char::from(*byte))
        .collect())
}

fn fill(bytes: &mut [u8]) -> Result<(), NoRandomness> {
    ring::default_provider().secure_random.fill(bytes).map_err(|_| NoRandomness)
}
