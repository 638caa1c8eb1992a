use std::os::unix::fs::PermissionsExt as _;

use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use super::*;

fn names(hostname: &str, address: &str) -> Names {
    Names { hostname: hostname.to_owned(), address: address.parse().unwrap() }
}

fn now() -> Timestamp {
    "2028-03-01T12:00:00Z".parse().unwrap()
}

fn generate(dir: &Path) -> (Pair, bool) {
    Pair::load_or_generate(&PairFiles::of(dir), &names("localhost", "127.0.0.1"), now()).unwrap()
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

fn subject_alternative_names(pair: &Pair) -> Vec<String> {
    let (_, certificate) = X509Certificate::from_der(&pair.certified.cert[0]).unwrap();
    let names = &certificate.subject_alternative_name().unwrap().unwrap().value.general_names;
    let text = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => (*name).to_owned(),
        GeneralName::IPAddress(bytes) => bytes.iter().map(u8::to_string).collect::<Vec<_>>().join("."),
        _ => panic!("another kind of name"),
    };
    names.iter().map(text).collect()
}

#[test]
fn a_pair_is_made_once_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (first, made) = generate(dir.path());
    assert!(made);
    assert_eq!((mode(&dir.path().join("key.pem")), mode(&dir.path().join("cert.pem"))), (0o600, 0o644));
    let (second, made) = generate(dir.path());
    assert!(!made);
    assert_eq!(first.certificate_pem, second.certificate_pem);
    assert_eq!(std::fs::read_to_string(dir.path().join("cert.pem")).unwrap(), first.certificate_pem);
}

/// What a start that is cut short between the two files leaves behind.
#[test]
fn one_half_of_a_pair_is_refused_and_kept() {
    for (gone, rest) in [("cert.pem", "key.pem"), ("key.pem", "cert.pem")] {
        let dir = tempfile::tempdir().unwrap();
        generate(dir.path());
        let (gone, rest) = (dir.path().join(gone), dir.path().join(rest));
        std::fs::remove_file(&gone).unwrap();
        let before = std::fs::read(&rest).unwrap();
        let files = PairFiles::of(dir.path());
        let error = Pair::load_or_generate(&files, &names("localhost", "127.0.0.1"), now()).err().unwrap();
        assert_eq!(error.to_string(), format!("there is `{}` but no `{}`", rest.display(), gone.display()));
        let hint = crate::StartError::from(error).hint().unwrap();
        assert!(hint.contains(&format!("run `rm {}`", rest.display())), "{hint}");
        assert!(!gone.exists());
        assert_eq!(std::fs::read(&rest).unwrap(), before);
        // The hint leads on.
        std::fs::remove_file(&rest).unwrap();
        assert!(generate(dir.path()).1);
    }
}

#[test]
fn the_certificate_is_what_kube_apiserver_needs() {
    let dir = tempfile::tempdir().unwrap();
    let (pair, _) = generate(dir.path());
    let (_, certificate) = X509Certificate::from_der(&pair.certified.cert[0]).unwrap();
    assert_eq!(certificate.subject().to_string(), "CN=aws-iam-authenticator");
    assert_eq!(certificate.issuer(), certificate.subject());
    assert!(!certificate.is_ca());
    assert!(certificate.extended_key_usage().unwrap().unwrap().value.server_auth);
    assert_eq!(certificate.validity().not_before.timestamp(), now().as_second() - 36 * 3600 - 24 * 3600);
    assert_eq!(certificate.validity().not_after.timestamp(), pair.not_after.as_second());
    assert_eq!(pair.not_after, "2128-02-28T00:00:00Z".parse().unwrap());
}

#[test]
fn names_are_the_host_and_a_real_address() {
    let dir = tempfile::tempdir().unwrap();
    for (host, address, expected) in [
        ("localhost", "127.0.0.1", vec!["localhost", "127.0.0.1"]),
        ("webhook.example.com", "0.0.0.0", vec!["webhook.example.com"]),
        ("webhook.example.com", "::", vec!["webhook.example.com"]),
        ("10.0.0.1", "10.0.0.1", vec!["10.0.0.1"]),
        ("10.0.0.1", "10.0.0.2", vec!["10.0.0.1", "10.0.0.2"]),
    ] {
        let files = PairFiles::of(&dir.path().join(format!("{host}-{address}").replace(':', "_")));
        std::fs::create_dir(files.key.parent().unwrap()).unwrap();
        let (pair, _) = Pair::load_or_generate(&files, &names(host, address), now()).unwrap();
        assert_eq!(subject_alternative_names(&pair), expected, "{host} {address}");
    }
}

#[test]
fn bad_files_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    generate(dir.path());
    generate(other.path());
    let files = PairFiles::of(dir.path());
    let fails = || Pair::load(&files).err().unwrap().to_string();
    std::fs::copy(other.path().join("key.pem"), &files.key).unwrap();
    assert!(fails().contains("is not that of the certificate"), "{}", fails());
    std::fs::write(&files.key, "no key").unwrap();
    assert!(fails().contains("key.pem` holds no private key"), "{}", fails());
    std::fs::remove_file(&files.key).unwrap();
    std::fs::create_dir(&files.key).unwrap();
    assert!(fails().contains("key.pem` can't be read"), "{}", fails());
    std::fs::write(&files.certificate, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    assert!(fails().contains("no readable X.509 certificate"), "{}", fails());
    std::fs::write(&files.certificate, "").unwrap();
    assert!(fails().contains("cert.pem` holds no certificate"), "{}", fails());
}

/// A pair as the Go authenticator leaves it: RSA 2048 in PKCS#1, CA:TRUE.
#[test]
fn a_pair_of_the_go_authenticator_is_served() {
    let dir = tempfile::tempdir().unwrap();
    let files = PairFiles::of(dir.path());
    std::fs::write(&files.certificate, include_str!("testdata/go-cert.pem")).unwrap();
    std::fs::write(&files.key, include_str!("testdata/go-key.pem")).unwrap();
    let (pair, made) = Pair::load_or_generate(&files, &names("localhost", "127.0.0.1"), now()).unwrap();
    assert!(!made);
    assert!(Served::new(&pair).config().is_ok());
    assert_eq!(pair.certificate_pem, include_str!("testdata/go-cert.pem"));
}

#[test]
fn validity_is_read_in_both_forms() {
    for (tag, text, expected) in [
        (0x17, "490101000000Z", Some("2049-01-01T00:00:00Z")),
        (0x17, "991231235959Z", Some("1999-12-31T23:59:59Z")),
        (0x18, "21280228000000Z", Some("2128-02-28T00:00:00Z")),
        (0x18, "21280230000000Z", None),
        (0x17, "21280228000000Z", None),
        (0x17, "4901010000+0Z", None),
    ] {
        // A certificate with nothing but the fields before the validity.
        let time = |tag: u8, text: &str| [&[tag, text.len() as u8], text.as_bytes()].concat();
        let sequence = |content: Vec<u8>| [vec![0x30, content.len() as u8], content].concat();
        let validity = sequence([time(0x17, "260101000000Z"), time(tag, text)].concat());
        let fields = [vec![2, 1, 1], sequence(Vec::new()), sequence(Vec::new()), validity].concat();
        let certificate = sequence(sequence(fields));
        assert_eq!(not_after::not_after(&certificate), expected.map(|at| at.parse().unwrap()), "{text}");
        for end in 0..certificate.len() {
            assert_eq!(not_after::not_after(&certificate[..end]), None, "cut at {end}");
        }
    }
}
