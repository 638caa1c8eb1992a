//! The certificates, keys and the administrator's token of one control plane.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::crypto::ring;

/// Names and addresses at which clients reach kube-apiserver; the last is the
/// service `kubernetes` in the range of service addresses.
const SERVING_NAMES: [&str; 6] = [
    "127.0.0.1",
    "localhost",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    "10.0.0.1",
];

/// Fresh credentials. No `Debug`: they let one in as administrator.
pub(crate) struct Credentials {
    /// Certificate of the authority that signed the serving certificate, as PEM.
    pub(crate) ca_pem: String,
    /// The serving certificate and its key, as PEM.
    pub(crate) serving_pem: String,
    pub(crate) serving_key_pem: String,
    /// The keys of service account tokens, as PEM.
    pub(crate) service_account_key_pem: String,
    pub(crate) service_account_public_pem: String,
    /// Bearer token of the administrator.
    pub(crate) admin_token: String,
}

impl Credentials {
    pub(crate) fn issue() -> Result<Self, rcgen::Error> {
        let mut ca = named("kube-iam test control plane CA")?;
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = Issuer::new(ca.clone(), KeyPair::generate()?);

        // A leaf of its own: rustls refuses a server certificate that is an authority.
        let mut serving = named("kube-apiserver")?;
        serving.subject_alt_names = CertificateParams::new(SERVING_NAMES.map(str::to_owned))?.subject_alt_names;
        serving.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        serving.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        serving.use_authority_key_identifier_extension = true;
        let serving_key = KeyPair::generate()?;

        let service_account_key = KeyPair::generate()?;
        Ok(Self {
            ca_pem: ca.self_signed(issuer.key())?.pem(),
            serving_pem: serving.signed_by(&serving_key, &issuer)?.pem(),
            serving_key_pem: serving_key.serialize_pem(),
            service_account_key_pem: service_account_key.serialize_pem(),
            service_account_public_pem: service_account_key.public_key_pem(),
            admin_token: random_hex::<32>(),
        })
    }
}

fn named(common_name: &str) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    Ok(params)
}

/// `BYTES` random bytes as hexadecimal digits.
///
/// # Panics
///
/// If the system has no randomness: then no key can be made either.
pub(crate) fn random_hex<const BYTES: usize>() -> String {
    let mut bytes = [0; BYTES];
    ring::default_provider().secure_random.fill(&mut bytes).expect("the system gives random bytes");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
