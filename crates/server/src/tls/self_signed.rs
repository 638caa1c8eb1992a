//! A certificate that the server signs itself.
//!
//! The Go authenticator makes an RSA key. The `ring` provider can't make one,
//! and ECDSA on P-256 is as good for kube-apiserver and far cheaper per
//! handshake; RSA keys that Go made are loaded as they are.
//!
//! Go also marks the certificate as a CA. kube-apiserver does not need that to
//! trust it: a certificate among the roots is accepted for itself. Clients
//! built on rustls refuse a CA as a server's certificate, so ours is none.

use std::net::IpAddr;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use kube_iam_core::secret::Secret;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SanType,
    date_time_ymd,
};

use super::Names;

/// A new certificate.
pub(super) struct SelfSigned {
    pub(super) certificate_pem: String,
    /// PKCS#8.
    pub(super) key_pem: Secret,
}

/// Makes a certificate for the host name and, unless it stands for every
/// address, the address. It is good for a hundred years, as Go's is: nobody
/// renews it, and whoever can replace the file need not wait for its end.
pub(super) fn generate(names: &Names, now: Timestamp) -> Result<SelfSigned, rcgen::Error> {
    let mut params = CertificateParams::new([names.hostname.clone()])?;
    let address = SanType::IpAddress(names.address);
    if !names.address.is_unspecified() && names.hostname.parse::<IpAddr>() != Ok(names.address) {
        params.subject_alt_names.push(address);
    }
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "aws-iam-authenticator");
    params.is_ca = IsCa::NoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // A day back: the clocks of both sides need not agree.
    let today = TimeZone::UTC.to_datetime(now).date();
    let from = today.yesterday().unwrap_or(today);
    // 29 February becomes the 28th, which every year has.
    let years_on = |years: i32| {
        date_time_ymd(i32::from(from.year()) + years, from.month().unsigned_abs(), from.day().min(28).unsigned_abs())
    };
    params.not_before = years_on(0);
    params.not_after = years_on(100);
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok(SelfSigned { certificate_pem: certificate.pem(), key_pem: Secret::new(key.serialize_pem()) })
}
