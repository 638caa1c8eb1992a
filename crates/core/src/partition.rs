//! AWS partitions, their regions and the names STS has in them.
//!
//! The regions are AWS's own partitions data as botocore 1.43.11 ships it
//! (read 2026-11-24). A server accepts exactly the names built from this table:
//! a made-up region costs neither a DNS query nor a metric series.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use core::fmt;
use core::str::FromStr;

use hashbrown::HashMap;
use serde::Serialize;

/// A partition of AWS: a group of regions with its own accounts and names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Partition {
    /// The commercial regions.
    #[default]
    Aws,
    /// China.
    AwsCn,
    /// GovCloud (US).
    AwsUsGov,
    /// The first isolated partition.
    AwsIso,
    /// The second isolated partition.
    AwsIsoB,
    /// The isolated partition in Europe.
    AwsIsoE,
    /// The fourth isolated partition.
    AwsIsoF,
    /// The European Sovereign Cloud.
    AwsEusc,
}

/// A text that names no partition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no AWS partition has this name; known are {}", Partition::NAMES)]
pub struct UnknownPartition;

impl Partition {
    /// Every partition, the commercial one first.
    pub const ALL: [Self; 8] = [
        Self::Aws,
        Self::AwsCn,
        Self::AwsUsGov,
        Self::AwsIso,
        Self::AwsIsoB,
        Self::AwsIsoE,
        Self::AwsIsoF,
        Self::AwsEusc,
    ];

    const NAMES: &'static str =
        "`aws`, `aws-cn`, `aws-us-gov`, `aws-iso`, `aws-iso-b`, `aws-iso-e`, `aws-iso-f`, `aws-eusc`";

    /// The name as it stands in ARNs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::AwsCn => "aws-cn",
            Self::AwsUsGov => "aws-us-gov",
            Self::AwsIso => "aws-iso",
            Self::AwsIsoB => "aws-iso-b",
            Self::AwsIsoE => "aws-iso-e",
            Self::AwsIsoF => "aws-iso-f",
            Self::AwsEusc => "aws-eusc",
        }
    }

    /// The regions AWS lists for this partition.
    pub fn regions(self) -> &'static [&'static str] {
        match self {
            Self::Aws => &[
                "af-south-1",
                "ap-east-1",
                "ap-east-2",
                "ap-northeast-1",
                "ap-northeast-2",
                "ap-northeast-3",
                "ap-south-1",
                "ap-south-2",
                "ap-southeast-1",
                "ap-southeast-2",
                "ap-southeast-3",
                "ap-southeast-4",
                "ap-southeast-5",
                "ap-southeast-6",
                "ap-southeast-7",
                "ca-central-1",
                "ca-west-1",
                "eu-central-1",
                "eu-central-2",
                "eu-north-1",
                "eu-south-1",
                "eu-south-2",
                "eu-west-1",
                "eu-west-2",
                "eu-west-3",
                "il-central-1",
                "me-central-1",
                "me-south-1",
                "mx-central-1",
                "sa-east-1",
                "us-east-1",
                "us-east-2",
                "us-west-1",
                "us-west-2",
            ],
            Self::AwsCn => &["cn-north-1", "cn-northwest-1"],
            Self::AwsUsGov => &["us-gov-east-1", "us-gov-west-1"],
            Self::AwsIso => &["us-iso-east-1", "us-iso-west-1"],
            Self::AwsIsoB => &["us-isob-east-1", "us-isob-west-1"],
            Self::AwsIsoE => &["eu-isoe-west-1"],
            Self::AwsIsoF => &["us-isof-east-1", "us-isof-south-1"],
            Self::AwsEusc => &["eusc-de-east-1"],
        }
    }

    /// The partition a region belongs to, known or not: a region launched after
    /// the table was made follows the name pattern of its partition.
    pub fn of_region(region: &str) -> Self {
        let known = Self::ALL.into_iter().find(|p| p.regions().contains(&region));
        let by_pattern = [
            ("cn-", Self::AwsCn),
            ("us-gov-", Self::AwsUsGov),
            ("us-iso-", Self::AwsIso),
            ("us-isob-", Self::AwsIsoB),
            ("eu-isoe-", Self::AwsIsoE),
            ("us-isof-", Self::AwsIsoF),
            ("eusc-", Self::AwsEusc),
        ];
        known.unwrap_or_else(|| {
            by_pattern
                .into_iter()
                .find(|(prefix, _)| region.starts_with(prefix))
                .map_or(Self::Aws, |(_, partition)| partition)
        })
    }

    fn domain(self) -> &'static str {
        match self {
            Self::Aws | Self::AwsUsGov => "amazonaws.com",
            Self::AwsCn => "amazonaws.com.cn",
            Self::AwsIso => "c2s.ic.gov",
            Self::AwsIsoB => "sc2s.sgov.gov",
            Self::AwsIsoE => "cloud.adc-e.uk",
            Self::AwsIsoF => "csp.hci.ic.gov",
            Self::AwsEusc => "amazonaws.eu",
        }
    }

    /// Domain of the dual-stack names, where STS has them.
    fn dual_stack_domain(self) -> Option<&'static str> {
        match self {
            Self::Aws | Self::AwsUsGov => Some("api.aws"),
            Self::AwsCn => Some("api.amazonwebservices.com.cn"),
            Self::AwsEusc => Some("api.amazonwebservices.eu"),
            Self::AwsIso | Self::AwsIsoB | Self::AwsIsoE | Self::AwsIsoF => None,
        }
    }

    /// The name STS has in a region of this partition; `None` where it has no
    /// such form. GovCloud's plain name is its FIPS name.
    pub fn sts_host(self, region: &str, endpoint: StsEndpoint) -> Option<String> {
        let domain = if endpoint.dual_stack { self.dual_stack_domain()? } else { self.domain() };
        let plain_is_fips = self == Self::AwsUsGov && !endpoint.dual_stack;
        let service = if endpoint.fips && !plain_is_fips { "sts-fips" } else { "sts" };
        Some(format!("{service}.{region}.{domain}"))
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Partition {
    type Err = UnknownPartition;

    fn from_str(text: &str) -> Result<Self, UnknownPartition> {
        Self::ALL.into_iter().find(|p| p.as_str() == text).ok_or(UnknownPartition)
    }
}

impl Serialize for Partition {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Which of the forms of an STS name is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StsEndpoint {
    /// `sts-fips.…`
    pub fips: bool,
    /// The names that answer over IPv4 and IPv6.
    pub dual_stack: bool,
}

/// The one global name of STS, which only the commercial partition has.
pub const GLOBAL_STS_HOST: &str = "sts.amazonaws.com";

/// Region in whose name the global endpoint signs.
pub const GLOBAL_STS_REGION: &str = "us-east-1";

/// One STS host that a server is willing to ask.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct StsHost(Arc<HostEntry>);

#[derive(PartialEq, Eq, Hash)]
struct HostEntry {
    name: String,
    region: String,
    global: bool,
}

impl StsHost {
    /// The host name, the only thing of a token's URL that reaches a resolver.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Region that requests to this host are signed for.
    pub fn signing_region(&self) -> &str {
        &self.0.region
    }

    /// Region for metrics: `global` for the global endpoint.
    pub fn label(&self) -> &str {
        if self.0.global { "global" } else { &self.0.region }
    }
}

impl fmt::Debug for StsHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The closed list of STS hosts of one partition.
#[derive(Debug, Clone)]
pub struct StsHosts {
    partition: Partition,
    by_name: HashMap<String, StsHost, foldhash::fast::FixedState>,
}

impl StsHosts {
    /// All hosts of a partition: every known region in every form.
    pub fn of(partition: Partition) -> Self {
        let mut by_name = HashMap::default();
        let mut add = |name: String, region: &str, global| {
            let entry = HostEntry { name: name.clone(), region: region.to_string(), global };
            by_name.insert(name, StsHost(Arc::new(entry)));
        };
        for region in partition.regions() {
            for fips in [false, true] {
                for dual_stack in [false, true] {
                    if let Some(name) = partition.sts_host(region, StsEndpoint { fips, dual_stack }) {
                        add(name, region, false);
                    }
                }
            }
        }
        if partition == Partition::Aws {
            add(GLOBAL_STS_HOST.to_string(), GLOBAL_STS_REGION, true);
        }
        Self { partition, by_name }
    }

    /// The partition whose hosts these are.
    pub fn partition(&self) -> Partition {
        self.partition
    }

    /// The host of exactly this name.
    pub fn find(&self, name: &str) -> Option<&StsHost> {
        self.by_name.get(name)
    }

    /// All hosts, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &StsHost> {
        self.by_name.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_accepts_its_own_hosts_and_no_others() {
        for own in Partition::ALL {
            let hosts = StsHosts::of(own);
            for other in Partition::ALL.into_iter().filter(|other| *other != own) {
                for foreign in StsHosts::of(other).iter() {
                    assert!(hosts.find(foreign.name()).is_none(), "{own} accepts {foreign:?} of {other}");
                }
            }
        }
    }

    #[test]
    fn hosts_have_the_documented_forms() {
        let cases = [
            (Partition::Aws, "sts.amazonaws.com", true),
            (Partition::Aws, "sts.us-east-1.amazonaws.com", true),
            (Partition::Aws, "sts-fips.us-east-1.amazonaws.com", true),
            (Partition::Aws, "sts.eu-west-1.api.aws", true),
            (Partition::Aws, "sts-fips.us-west-2.api.aws", true),
            (Partition::Aws, "sts.not-a-region.amazonaws.com", false),
            (Partition::Aws, "sts.s3.amazonaws.com", false),
            (Partition::Aws, "STS.us-east-1.amazonaws.com", false),
            (Partition::Aws, "sts.US-EAST-1.amazonaws.com", false),
            (Partition::AwsUsGov, "sts.us-gov-west-1.amazonaws.com", true),
            (Partition::AwsUsGov, "sts-fips.us-gov-west-1.amazonaws.com", false),
            (Partition::AwsUsGov, "sts-fips.us-gov-west-1.api.aws", true),
            (Partition::AwsCn, "sts.cn-north-1.amazonaws.com.cn", true),
            (Partition::AwsCn, "sts-fips.cn-north-1.api.amazonwebservices.com.cn", true),
            (Partition::AwsCn, "sts.amazonaws.com", false),
            (Partition::AwsEusc, "sts.eusc-de-east-1.amazonaws.eu", true),
            (Partition::AwsEusc, "sts.eusc-de-east-1.api.amazonwebservices.eu", true),
            (Partition::AwsIso, "sts-fips.us-iso-east-1.c2s.ic.gov", true),
            (Partition::AwsIsoE, "sts.eu-isoe-west-1.cloud.adc-e.uk", true),
        ];
        for (partition, host, accepted) in cases {
            assert_eq!(StsHosts::of(partition).find(host).is_some(), accepted, "{partition} {host}");
        }
    }

    #[test]
    fn unknown_regions_follow_their_pattern() {
        assert_eq!(Partition::of_region("cn-future-9"), Partition::AwsCn);
        assert_eq!(Partition::of_region("us-gov-west-1"), Partition::AwsUsGov);
        assert_eq!(Partition::of_region("us-isob-west-1"), Partition::AwsIsoB);
        assert_eq!(Partition::of_region("eu-isoe-west-1"), Partition::AwsIsoE);
        assert_eq!(Partition::of_region("eu-north-7"), Partition::Aws);
    }
}
