//! Which AWS service and region a host name stands for.

/// The domains of all partitions, dual-stack domains included.
const DOMAINS: [&str; 10] = [
    "amazonaws.com",
    "api.aws",
    "amazonaws.com.cn",
    "api.amazonwebservices.com.cn",
    "amazonaws.eu",
    "api.amazonwebservices.eu",
    "c2s.ic.gov",
    "sc2s.sgov.gov",
    "cloud.adc-e.uk",
    "csp.hci.ic.gov",
];

/// Where a request was sent, judged by its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    /// STS of this region; a signature must be scoped to it.
    Sts { region: &'a str },
    /// EKS of this region; of any if it is a loopback address.
    Eks { region: Option<&'a str> },
    /// EC2 of this region; of any if it is a loopback address.
    Ec2 { region: Option<&'a str> },
    /// CloudFormation of this region; of any if it is a loopback address.
    CloudFormation { region: Option<&'a str> },
    /// IAM of a partition, which is signed for in this region; in any if it is a loopback address.
    Iam { region: Option<&'a str> },
    /// The portal of IAM Identity Center.
    SsoPortal,
    /// A loopback address: the service goes by the path, and any region will do.
    Loopback,
    /// An AWS host that the stand-in has no answer for, or none of AWS's.
    Other,
}

/// Reads the value of a `Host` header, with or without a port.
pub(crate) fn place(host: &str) -> Place<'_> {
    let name = without_port(host);
    if matches!(name, "127.0.0.1" | "[::1]" | "localhost") {
        return Place::Loopback;
    }
    let Some((labels, domain)) = split(name) else {
        return Place::Other;
    };
    if let Some(region) = region_of_iam(labels, domain) {
        return Place::Iam { region: Some(region) };
    }
    let mut reversed = labels.rsplit('.');
    match (reversed.next(), reversed.next(), reversed.next()) {
        // The one global endpoint; AWS signs for it as for us-east-1.
        (Some("sts"), None, None) if domain == "amazonaws.com" => Place::Sts { region: "us-east-1" },
        (Some(region), Some("sts" | "sts-fips"), None) => Place::Sts { region },
        (Some(region), Some("eks" | "eks-fips"), None | Some("fips")) => Place::Eks { region: Some(region) },
        (Some(region), Some("ec2" | "ec2-fips"), None) => Place::Ec2 { region: Some(region) },
        (Some(region), Some("cloudformation" | "cloudformation-fips"), None) => {
            Place::CloudFormation { region: Some(region) }
        }
        (Some(_), Some("sso"), Some("portal")) => Place::SsoPortal,
        // An interface endpoint of a VPC: vpce-….sts.REGION.vpce.amazonaws.com.
        (Some("vpce"), Some(region), Some("sts")) => Place::Sts { region },
        _ => Place::Other,
    }
}

/// The region in whose name is signed for IAM, if these labels name it: each partition has one.
fn region_of_iam<'a>(labels: &'a str, domain: &str) -> Option<&'a str> {
    let place = labels.strip_prefix("iam-fips").or_else(|| labels.strip_prefix("iam"))?;
    match (place.strip_prefix('.').unwrap_or(place), domain) {
        ("", "amazonaws.com") | ("global", "api.aws") => Some("us-east-1"),
        ("us-gov", "amazonaws.com" | "api.aws") => Some("us-gov-west-1"),
        ("global", "api.amazonwebservices.com.cn") => Some("cn-north-1"),
        ("", "api.amazonwebservices.eu") => Some("eusc-de-east-1"),
        ("", "cloud.adc-e.uk") => Some("eu-isoe-west-1"),
        ("", "csp.hci.ic.gov") => Some("us-isof-south-1"),
        (
            region,
            "amazonaws.com.cn" | "c2s.ic.gov" | "sc2s.sgov.gov" | "cloud.adc-e.uk" | "csp.hci.ic.gov" | "amazonaws.eu",
        ) if place.starts_with('.') && !region.contains('.') => Some(region),
        _ => None,
    }
}

/// True if `name` is a host below one of AWS's domains.
pub(crate) fn is_aws(name: &str) -> bool {
    split(name).is_some()
}

/// Splits a name into the labels below one of AWS's domains, and the domain.
fn split(name: &str) -> Option<(&str, &'static str)> {
    let (labels, domain) = DOMAINS.iter().find_map(|domain| {
        let labels = name.strip_suffix(domain)?.strip_suffix('.')?;
        Some((labels, *domain))
    })?;
    labels.split('.').all(is_label).then_some((labels, domain))
}

/// RFC 1123, section 2.1.
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !name.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sts_hosts_of_every_partition_are_known() {
        for (host, region) in [
            ("sts.amazonaws.com", "us-east-1"),
            ("sts.amazonaws.com:443", "us-east-1"),
            ("sts.eu-west-1.amazonaws.com", "eu-west-1"),
            ("sts-fips.us-west-2.amazonaws.com", "us-west-2"),
            ("sts.eu-west-1.api.aws", "eu-west-1"),
            ("sts.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            ("sts.cn-north-1.api.amazonwebservices.com.cn", "cn-north-1"),
            ("sts.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
            ("sts.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"),
            ("sts.eusc-de-east-1.api.amazonwebservices.eu", "eusc-de-east-1"),
            ("sts.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"),
            ("sts.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"),
            ("sts.eu-isoe-west-1.cloud.adc-e.uk", "eu-isoe-west-1"),
            ("sts.us-isof-south-1.csp.hci.ic.gov", "us-isof-south-1"),
            ("vpce-0ab.sts.us-east-2.vpce.amazonaws.com", "us-east-2"),
        ] {
            assert_eq!(place(host), Place::Sts { region }, "{host}");
        }
    }

    /// The forms are those of the endpoint rules that botocore 1.43.11 has for EKS.
    #[test]
    fn eks_hosts_are_known_in_every_form() {
        for (host, region) in [
            ("eks.eu-west-1.amazonaws.com", "eu-west-1"),
            ("fips.eks.us-east-1.amazonaws.com", "us-east-1"),
            ("eks-fips.us-east-1.api.aws", "us-east-1"),
            ("eks.eu-west-1.api.aws", "eu-west-1"),
            ("eks.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
            ("eks.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ] {
            assert_eq!(place(host), Place::Eks { region: Some(region) }, "{host}");
        }
    }

    /// The forms are those of the endpoint rules that botocore 1.43.11 has.
    #[test]
    fn hosts_of_ec2_cloudformation_and_iam_are_known_in_every_form() {
        for (host, region) in [
            ("ec2.eu-west-1.amazonaws.com", "eu-west-1"),
            ("ec2-fips.us-east-1.amazonaws.com", "us-east-1"),
            ("ec2.eu-west-1.api.aws", "eu-west-1"),
            ("ec2.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ] {
            assert_eq!(place(host), Place::Ec2 { region: Some(region) }, "{host}");
            let host = host.replace("ec2", "cloudformation");
            assert_eq!(place(&host), Place::CloudFormation { region: Some(region) }, "{host}");
        }
        for (host, region) in [
            ("iam.amazonaws.com", "us-east-1"),
            ("iam-fips.amazonaws.com", "us-east-1"),
            ("iam.global.api.aws", "us-east-1"),
            ("iam-fips.global.api.aws", "us-east-1"),
            ("iam.us-gov.amazonaws.com", "us-gov-west-1"),
            ("iam.us-gov.api.aws", "us-gov-west-1"),
            ("iam.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            ("iam.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"),
            ("iam-fips.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"),
            ("iam-fips.cloud.adc-e.uk", "eu-isoe-west-1"),
            ("iam.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"),
        ] {
            assert_eq!(place(host), Place::Iam { region: Some(region) }, "{host}");
        }
    }

    #[test]
    fn other_hosts_are_told_apart() {
        assert_eq!(place("portal.sso.us-east-1.amazonaws.com"), Place::SsoPortal);
        for host in ["127.0.0.1", "127.0.0.1:4711", "[::1]:4711", "localhost:1"] {
            assert_eq!(place(host), Place::Loopback, "{host}");
        }
        for host in [
            "",
            "sts.cn-north-1.amazonaws.com.evil",
            "evilamazonaws.com",
            "amazonaws.com",
            ".amazonaws.com",
            "sts..amazonaws.com",
            "sts.amazonaws.com.cn",
            "sts.a.b.amazonaws.com",
            "sts.us east-1.amazonaws.com",
            "ec2.amazonaws.com",
            "iam.us-east-1.amazonaws.com",
            "iamb.amazonaws.com",
            "s3.us-east-1.amazonaws.com",
        ] {
            assert_eq!(place(host), Place::Other, "{host}");
        }
    }

    #[test]
    fn only_names_below_the_domains_are_aws() {
        assert!(is_aws("eks.us-east-1.amazonaws.com"));
        assert!(!is_aws("amazonaws.com"));
        assert!(!is_aws("example.com"));
        assert!(!is_aws("-a.amazonaws.com"));
    }
}
