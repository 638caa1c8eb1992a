//! Which endpoint of AWS is meant.

use http::Uri;
use kube_iam_core::partition::{GLOBAL_STS_HOST, GLOBAL_STS_REGION, Partition, StsEndpoint, StsHost};

/// The region of the AWS SDKs that stands for the global endpoint.
const GLOBAL_REGION: &str = "aws-global";

/// An endpoint of a service of AWS, and the region in whose name is signed for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Scheme, host and path, such as `https://sts.eu-west-1.amazonaws.com/`.
    pub(crate) url: String,
    /// Value of the signed `Host` header.
    pub(crate) host: String,
    /// Region of the credential scope.
    pub(crate) region: String,
}

/// There is no such endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// The text can't be a part of a host name.
    #[error("`{0}` is not the name of an AWS region")]
    Region(String),
    /// The isolated partitions have no dual-stack names.
    #[error("AWS has no dual-stack endpoints in region `{0}`")]
    NoDualStack(String),
    /// The configured endpoint is unusable.
    #[error("the endpoint `{0}` is not an http or https URL")]
    Url(String),
}

impl Target {
    /// STS in a region, in the form asked for. The region `aws-global` means the global endpoint.
    ///
    /// # Errors
    ///
    /// When the region is no host label, or has no endpoint of this form.
    pub fn regional(region: &str, form: StsEndpoint) -> Result<Self, TargetError> {
        if region == GLOBAL_REGION {
            return Ok(Self::at(GLOBAL_STS_HOST, GLOBAL_STS_REGION));
        }
        Ok(Self::at(&sts_host(region, form)?, region))
    }

    /// EKS in a region, in the form asked for. Its names differ from those of STS in the first label alone, but for the FIPS name
    /// of the commercial regions (endpoint rules of EKS in botocore 1.43.11).
    ///
    /// # Errors
    ///
    /// When the region is no host label or the global one, or has no endpoint of this form.
    pub(crate) fn eks(region: &str, form: StsEndpoint) -> Result<Self, TargetError> {
        let older_fips = form.fips && !form.dual_stack && Partition::of_region(region) == Partition::Aws;
        let target = Self::like_sts("eks", region, form)?;
        match target.host.split_once('.') {
            Some((_, rest)) if older_fips => Ok(Self::at(&format!("fips.eks.{rest}"), region)),
            _ => Ok(target),
        }
    }

    /// A service whose names differ from those of STS in the first label alone, such as EC2 and CloudFormation (endpoint rules in
    /// botocore 1.43.11), in a region.
    ///
    /// # Errors
    ///
    /// As for [`Target::eks`].
    pub(crate) fn like_sts(service: &str, region: &str, form: StsEndpoint) -> Result<Self, TargetError> {
        let no_region = || TargetError::Region(region.to_owned());
        if region == GLOBAL_REGION {
            return Err(no_region());
        }
        let sts = sts_host(region, form)?;
        let rest = sts.strip_prefix("sts").ok_or_else(no_region)?;
        Ok(Self::at(&format!("{service}{rest}"), region))
    }

    /// IAM, which each partition has once, and in whose one region is signed for it (endpoint rules of IAM in botocore 1.43.11).
    ///
    /// # Errors
    ///
    /// As for [`Target::eks`].
    pub(crate) fn iam(region: &str, form: StsEndpoint) -> Result<Self, TargetError> {
        let StsEndpoint { fips, dual_stack } = form;
        let partition = Partition::of_region(region);
        let home = match partition {
            Partition::Aws => "us-east-1",
            Partition::AwsCn => "cn-north-1",
            Partition::AwsUsGov => "us-gov-west-1",
            Partition::AwsIso => "us-iso-east-1",
            Partition::AwsIsoB => "us-isob-east-1",
            Partition::AwsIsoE => "eu-isoe-west-1",
            Partition::AwsIsoF => "us-isof-south-1",
            Partition::AwsEusc => "eusc-de-east-1",
        };
        // That the region is one is judged as elsewhere.
        Self::like_sts("iam", region, form)?;
        let in_home = sts_host(home, StsEndpoint { fips: false, dual_stack })?;
        let (_, domain) = in_home.split_once(home).ok_or_else(|| TargetError::Region(region.to_owned()))?;
        let name = match partition {
            Partition::AwsUsGov => "iam.us-gov".to_owned(),
            Partition::Aws => {
                let name = if fips { "iam-fips" } else { "iam" };
                format!("{name}{}", if dual_stack { ".global" } else { "" })
            }
            Partition::AwsIso | Partition::AwsIsoB if fips => format!("iam-fips.{home}"),
            _ if fips => "iam-fips".to_owned(),
            Partition::AwsCn if dual_stack => "iam.global".to_owned(),
            Partition::AwsEusc if dual_stack => "iam".to_owned(),
            _ => format!("iam.{home}"),
        };
        Ok(Self::at(&format!("{name}{domain}"), home))
    }

    /// A host of a server's list.
    pub fn of_host(host: &StsHost) -> Self {
        Self::at(host.name(), host.signing_region())
    }

    /// A configured endpoint, used as it is given. A server will normally refuse such a token.
    ///
    /// # Errors
    ///
    /// When the text is not an http or https URL.
    pub fn configured(url: &str, region: &str) -> Result<Self, TargetError> {
        let refused = || TargetError::Url(without_user(url));
        let uri: Uri = url.parse().map_err(|_| refused())?;
        let (Some(scheme @ ("http" | "https")), Some(host), None) = (uri.scheme_str(), uri.host(), uri.query()) else {
            return Err(refused());
        };
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(refused());
        }
        let default_port = if scheme == "https" { 443 } else { 80 };
        let host = match uri.port_u16().filter(|port| *port != default_port) {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let path = uri.path().trim_end_matches('/');
        let region = if region == GLOBAL_REGION { GLOBAL_STS_REGION } else { region };
        Ok(Self { url: format!("{scheme}://{host}{path}/"), host, region: region.to_owned() })
    }

    fn at(host: &str, region: &str) -> Self {
        Self { url: format!("https://{host}/"), host: host.to_owned(), region: region.to_owned() }
    }
}

/// The name of STS in a region.
fn sts_host(region: &str, form: StsEndpoint) -> Result<String, TargetError> {
    let label = (1..=63).contains(&region.len()) && !region.starts_with('-') && !region.ends_with('-');
    if !label || !region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err(TargetError::Region(region.to_owned()));
    }
    Partition::of_region(region).sts_host(region, form).ok_or_else(|| TargetError::NoDualStack(region.to_owned()))
}

/// A URL in a message: what stands before `@` may be a password.
fn without_user(url: &str) -> String {
    let rest = url.rsplit_once('@').map_or(url, |(_, rest)| rest);
    rest.chars().take(kube_iam_core::limits::EXCERPT_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eks(region: &str, fips: bool, dual_stack: bool) -> Result<String, TargetError> {
        let target = Target::eks(region, StsEndpoint { fips, dual_stack })?;
        assert_eq!(target.url, format!("https://{}/", target.host));
        assert_eq!(target.region, region);
        Ok(target.host)
    }

    /// What botocore 1.43.11 resolves.
    #[test]
    fn eks_has_its_own_names_in_every_partition() {
        for (region, fips, dual_stack, host) in [
            ("eu-west-1", false, false, "eks.eu-west-1.amazonaws.com"),
            ("us-east-1", true, false, "fips.eks.us-east-1.amazonaws.com"),
            ("us-east-1", false, true, "eks.us-east-1.api.aws"),
            ("us-east-1", true, true, "eks-fips.us-east-1.api.aws"),
            ("us-gov-west-1", false, false, "eks.us-gov-west-1.amazonaws.com"),
            ("us-gov-west-1", true, false, "eks.us-gov-west-1.amazonaws.com"),
            ("us-gov-west-1", true, true, "eks-fips.us-gov-west-1.api.aws"),
            ("cn-north-1", false, false, "eks.cn-north-1.amazonaws.com.cn"),
            ("cn-north-1", false, true, "eks.cn-north-1.api.amazonwebservices.com.cn"),
            ("us-iso-east-1", true, false, "eks-fips.us-iso-east-1.c2s.ic.gov"),
            ("eusc-de-east-1", false, false, "eks.eusc-de-east-1.amazonaws.eu"),
        ] {
            assert_eq!(eks(region, fips, dual_stack).unwrap(), host);
        }
    }

    /// What botocore 1.43.11 resolves.
    #[test]
    fn ec2_and_cloudformation_are_named_as_sts() {
        for (region, fips, dual_stack, host) in [
            ("eu-west-1", false, false, "ec2.eu-west-1.amazonaws.com"),
            ("eu-west-1", true, false, "ec2-fips.eu-west-1.amazonaws.com"),
            ("eu-west-1", false, true, "ec2.eu-west-1.api.aws"),
            ("us-gov-west-1", true, false, "ec2.us-gov-west-1.amazonaws.com"),
            ("us-gov-west-1", true, true, "ec2-fips.us-gov-west-1.api.aws"),
            ("cn-north-1", false, false, "ec2.cn-north-1.amazonaws.com.cn"),
            ("us-iso-east-1", true, false, "ec2-fips.us-iso-east-1.c2s.ic.gov"),
        ] {
            let form = StsEndpoint { fips, dual_stack };
            assert_eq!(Target::like_sts("ec2", region, form).unwrap(), Target::at(host, region));
        }
        for region in ["", "eu west", "aws-global"] {
            assert!(Target::like_sts("ec2", region, StsEndpoint::default()).is_err(), "{region}");
            assert!(Target::iam(region, StsEndpoint::default()).is_err(), "{region}");
        }
    }

    /// What botocore 1.43.11 resolves.
    #[test]
    fn iam_is_in_one_region_of_each_partition() {
        for (region, fips, dual_stack, host, home) in [
            ("eu-west-1", false, false, "iam.amazonaws.com", "us-east-1"),
            ("eu-west-1", true, false, "iam-fips.amazonaws.com", "us-east-1"),
            ("us-east-1", false, true, "iam.global.api.aws", "us-east-1"),
            ("us-east-1", true, true, "iam-fips.global.api.aws", "us-east-1"),
            ("us-gov-east-1", false, false, "iam.us-gov.amazonaws.com", "us-gov-west-1"),
            ("us-gov-west-1", true, false, "iam.us-gov.amazonaws.com", "us-gov-west-1"),
            ("us-gov-west-1", true, true, "iam.us-gov.api.aws", "us-gov-west-1"),
            ("cn-northwest-1", false, false, "iam.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            ("cn-north-1", false, true, "iam.global.api.amazonwebservices.com.cn", "cn-north-1"),
            ("us-iso-west-1", false, false, "iam.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"),
            ("us-isob-east-1", true, false, "iam-fips.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"),
            ("eu-isoe-west-1", true, false, "iam-fips.cloud.adc-e.uk", "eu-isoe-west-1"),
            ("us-isof-east-1", false, false, "iam.us-isof-south-1.csp.hci.ic.gov", "us-isof-south-1"),
            ("eusc-de-east-1", false, true, "iam.api.amazonwebservices.eu", "eusc-de-east-1"),
        ] {
            assert_eq!(Target::iam(region, StsEndpoint { fips, dual_stack }).unwrap(), Target::at(host, home));
        }
    }

    #[test]
    fn eks_is_in_regions_alone() {
        for region in ["", "eu west", "-a", "a.b", "aws-global"] {
            assert_eq!(eks(region, false, false), Err(TargetError::Region(region.to_owned())));
        }
        let none = Err(TargetError::NoDualStack("us-iso-east-1".to_owned()));
        assert_eq!(eks("us-iso-east-1", false, true), none);
    }

    #[test]
    fn forms_of_an_sts_endpoint() {
        let host = |region, fips, dual_stack| Target::regional(region, StsEndpoint { fips, dual_stack }).unwrap().host;
        assert_eq!(host("us-east-1", true, false), "sts-fips.us-east-1.amazonaws.com");
        assert_eq!(host("us-east-1", false, true), "sts.us-east-1.api.aws");
        assert_eq!(host("us-gov-west-1", true, false), "sts.us-gov-west-1.amazonaws.com");
        assert_eq!(host("cn-north-1", false, false), "sts.cn-north-1.amazonaws.com.cn");
        for bad in ["", "us east", "evil.example/", "-x", "x-", &"x".repeat(64)] {
            assert_eq!(Target::regional(bad, StsEndpoint::default()), Err(TargetError::Region(bad.to_owned())));
        }
    }

    #[test]
    fn a_configured_endpoint_is_used_as_given() {
        let target = Target::configured("http://127.0.0.1:4566/sts", "aws-global").unwrap();
        assert_eq!((target.url.as_str(), target.host.as_str()), ("http://127.0.0.1:4566/sts/", "127.0.0.1:4566"));
        assert_eq!(target.region, "us-east-1");
        let target = Target::configured("https://vpce-1.sts.us-east-1.vpce.amazonaws.com:443", "us-east-1").unwrap();
        assert_eq!(target.host, "vpce-1.sts.us-east-1.vpce.amazonaws.com");
        for bad in ["", "localhost", "ftp://x", "https://user@x", "https://x/?a=b", "https://"] {
            assert!(Target::configured(bad, "us-east-1").is_err(), "{bad}");
        }
    }
}
