//! What the process counts. Names that begin with `aws_iam_authenticator_` and
//! their labels are those of the Go authenticator; the rest is ours.
//!
//! A label's value is always `'static`: none can come from a caller, so that
//! nobody can make the number of series grow.

use std::time::Duration;

use jiff::Timestamp;
use kube_iam_core::aws_auth::Section;
use kube_iam_core::last_good::Stale;
use kube_iam_core::mapping::Snapshot;
use kube_iam_core::partition::{Partition, StsHost};
use kube_iam_core::ports::AwsFailure;
use kube_iam_core::reason::{Reason, ResultLabel};
use prometheus_client::encoding::prometheus_text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};

/// Media type of [`Metrics::encode`].
pub(crate) const CONTENT_TYPE: &str = prometheus_text::CONTENT_TYPE;

/// Bucket bounds in seconds: the Go authenticator's.
const LATENCY_BUCKETS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// How a call to EC2 can end.
const EC2_RESULTS: [&str; 6] = ["success", "unknown_instances", "throttled", "denied", "unavailable", "refused"];

type Labels<const N: usize> = [(&'static str, &'static str); N];

/// Every metric of the process.
pub(crate) struct Metrics {
    registry: Registry,
    latency: Family<Labels<1>, Histogram, fn() -> Histogram>,
    sts_responses: Family<Labels<2>, Counter>,
    sts_connection_failures: Family<Labels<1>, Counter>,
    sts_throttling: Family<Labels<1>, Counter>,
    denials: Family<Labels<1>, Counter>,
    mappings: Family<Labels<1>, Gauge>,
    mapping_conflicts: Family<Labels<1>, Gauge>,
    stale: Family<Labels<1>, Gauge>,
    certificate_not_after: Gauge,
    ec2_latency: Family<Labels<1>, Histogram, fn() -> Histogram>,
    pub(crate) ec2_calls: Counter,
    pub(crate) node_hits: Counter,
    pub(crate) node_misses: Counter,
    pub(crate) nodes: Gauge,
    pub(crate) node_look_ups: Gauge,
    pub(crate) watch_failures: Counter,
    pub(crate) identity_hits: Counter,
    pub(crate) identity_misses: Counter,
    pub(crate) identities: Gauge,
    pub(crate) in_flight: Gauge,
    pub(crate) connections: Gauge,
    pub(crate) break_glass_logins: Counter,
    pub(crate) panics: Counter,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::default();
        let r = &mut registry;
        let latency: Family<Labels<1>, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(LATENCY_BUCKETS));
        let ec2_latency: Family<Labels<1>, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(LATENCY_BUCKETS));
        let build: Family<Labels<1>, Gauge> = Family::default();
        build.get_or_create(&[("version", env!("CARGO_PKG_VERSION"))]).set(1);
        add(r, "kube_iam_build_info", "The version, as a label", build);
        let metrics = Self {
            latency: add(r, "aws_iam_authenticator_authenticate_latency_seconds", "Time per review", latency),
            sts_responses: new(r, "aws_iam_authenticator_sts_responses", "Replies of STS"),
            sts_connection_failures: new(
                r,
                "aws_iam_authenticator_sts_connection_failures",
                "Calls to STS without a complete reply",
            ),
            sts_throttling: new(r, "aws_iam_authenticator_sts_throttling", "Replies of STS that throttle"),
            watch_failures: new(
                r,
                "aws_iam_authenticator_configmap_watch_failures",
                "Times at which aws-auth could not be watched",
            ),
            ec2_calls: new(r, "aws_iam_authenticator_ec2_describe_instances_calls", "Calls of DescribeInstances"),
            ec2_latency: add(
                r,
                "kube_iam_ec2_describe_instances_seconds",
                "Time per call of DescribeInstances",
                ec2_latency,
            ),
            node_hits: new(r, "kube_iam_node_cache_hits", "Logins of nodes whose instance was known before"),
            node_misses: new(r, "kube_iam_node_cache_misses", "Logins of nodes whose instance EC2 has to name"),
            nodes: new(r, "kube_iam_node_cache_entries", "Instances of nodes that are remembered"),
            node_look_ups: new(r, "kube_iam_node_look_ups", "Instances that are being looked up"),
            denials: new(r, "kube_iam_denials", "Reviews not answered with yes"),
            identity_hits: new(r, "kube_iam_identity_cache_hits", "Reviews of a token that was verified before"),
            identity_misses: new(r, "kube_iam_identity_cache_misses", "Reviews of a token that STS has to verify"),
            identities: new(r, "kube_iam_identity_cache_entries", "Verified tokens that are remembered"),
            in_flight: new(r, "kube_iam_in_flight", "Calls to STS under way"),
            connections: new(r, "kube_iam_connections", "Open connections"),
            break_glass_logins: new(r, "kube_iam_break_glass_logins", "Logins by a break-glass mapping"),
            mappings: new(r, "kube_iam_mappings", "Mappings that can match"),
            mapping_conflicts: new(r, "kube_iam_mapping_conflicts", "Rows hidden by a later row of the same principal"),
            stale: new(r, "kube_iam_stale", "Whether a section of aws-auth differs from what the cluster holds"),
            panics: new(r, "kube_iam_panics", "Faults of this program that ended one request"),
            certificate_not_after: new(
                r,
                "kube_iam_certificate_not_after_seconds",
                "When the serving certificate expires, in Unix time",
            ),
            registry,
        };
        metrics.begin_at_zero();
        metrics
    }

    /// Makes the series whose labels are known beforehand: a rate needs a zero
    /// to begin with, and nothing that a caller sends adds one later.
    fn begin_at_zero(&self) {
        for reason in Reason::ALL {
            let _ = self.latency.get_or_create(&[("result", reason.label().as_str())]);
            let _ = self.denials.get_or_create(&[("reason", reason.as_str())]);
        }
        let _ = self.latency.get_or_create(&[("result", ResultLabel::Success.as_str())]);
        for result in EC2_RESULTS {
            let _ = self.ec2_latency.get_or_create(&[("result", result)]);
        }
        self.note_stale(&[]);
    }

    /// A review was answered.
    pub(crate) fn answered(&self, label: ResultLabel, reason: Option<Reason>, took: Duration) {
        self.latency.get_or_create(&[("result", label.as_str())]).observe(took.as_secs_f64());
        if let Some(reason) = reason {
            self.denials.get_or_create(&[("reason", reason.as_str())]).inc();
        }
    }

    /// STS answered with a status, or not at all.
    pub(crate) fn sts_called(&self, partition: Partition, host: &StsHost, status: Option<u16>) {
        let region = ("StsRegion", region_label(partition, host));
        match status {
            Some(status) => self.sts_responses.get_or_create(&[("ResponseCode", status_label(status)), region]).inc(),
            None => self.sts_connection_failures.get_or_create(&[region]).inc(),
        };
    }

    /// STS throttled.
    pub(crate) fn sts_throttled(&self, partition: Partition, host: &StsHost) {
        self.sts_throttling.get_or_create(&[("StsRegion", region_label(partition, host))]).inc();
    }

    /// EC2 has answered, or not.
    pub(crate) fn ec2_called(&self, failure: Option<&AwsFailure>, took: Duration) {
        let [success, unknown, throttled, denied, unavailable, refused] = EC2_RESULTS;
        let result = match failure {
            None => success,
            Some(AwsFailure::UnknownInstances(_)) => unknown,
            Some(AwsFailure::Throttled(_)) => throttled,
            Some(AwsFailure::Denied(_)) => denied,
            Some(failure) if failure.is_passing() => unavailable,
            Some(_) => refused,
        };
        self.ec2_latency.get_or_create(&[("result", result)]).observe(took.as_secs_f64());
    }

    /// A backend has these mappings now.
    pub(crate) fn note_snapshot(&self, snapshot: &Snapshot) {
        let labels = [("backend", snapshot.backend().as_str())];
        let gauge = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.mappings.get_or_create(&labels).set(gauge(snapshot.len()));
        self.mapping_conflicts.get_or_create(&labels).set(gauge(snapshot.shadowed().len()));
    }

    /// These sections of aws-auth are stale, the others are not.
    pub(crate) fn note_stale(&self, stale: &[Stale]) {
        for section in Section::ALL {
            let is_stale = stale.iter().any(|stale| stale.section == section);
            self.stale.get_or_create(&[("section", section.as_str())]).set(is_stale.into());
        }
    }

    pub(crate) fn note_certificate(&self, not_after: Timestamp) {
        self.certificate_not_after.set(not_after.as_second());
    }

    /// All metrics as [`CONTENT_TYPE`].
    pub(crate) fn encode(&self) -> String {
        let mut text = String::with_capacity(16 * 1024);
        match prometheus_text::encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(error) => {
                tracing::error!(%error, "the metrics can't be written");
                String::new()
            }
        }
    }
}

fn new<M: Metric + Default + Clone>(registry: &mut Registry, name: &str, help: &str) -> M {
    add(registry, name, help, M::default())
}

fn add<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register(name, help, metric.clone());
    metric
}

/// The region of a host, out of the partition's own list.
fn region_label(partition: Partition, host: &StsHost) -> &'static str {
    let listed = partition.regions().iter().find(|region| **region == host.label());
    listed.copied().unwrap_or(if host.label() == "global" { "global" } else { "other" })
}

/// A status by its number where STS is known to send it, else by its class.
fn status_label(status: u16) -> &'static str {
    match status {
        200 => "200",
        400 => "400",
        403 => "403",
        429 => "429",
        500 => "500",
        502 => "502",
        503 => "503",
        504 => "504",
        201..=299 => "2xx",
        300..=399 => "3xx",
        401..=499 => "4xx",
        501..=599 => "5xx",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use kube_iam_core::mapping::Backend;
    use kube_iam_core::partition::StsHosts;

    use super::*;

    #[test]
    fn every_host_has_its_region_as_label() {
        for partition in Partition::ALL {
            for host in StsHosts::of(partition).iter() {
                assert_eq!(region_label(partition, host), host.label());
            }
        }
    }

    #[test]
    fn dashboards_of_the_go_authenticator_find_their_names() {
        let metrics = Metrics::new();
        let host = StsHosts::of(Partition::Aws).find("sts.eu-west-1.amazonaws.com").unwrap().clone();
        metrics.sts_called(Partition::Aws, &host, Some(200));
        metrics.sts_called(Partition::Aws, &host, None);
        metrics.sts_throttled(Partition::Aws, &host);
        metrics.answered(ResultLabel::UnknownUser, Some(Reason::NotMapped), Duration::from_millis(20));
        let text = metrics.encode();
        for line in [
            "aws_iam_authenticator_sts_responses_total{ResponseCode=\"200\",StsRegion=\"eu-west-1\"} 1",
            "aws_iam_authenticator_sts_connection_failures_total{StsRegion=\"eu-west-1\"} 1",
            "aws_iam_authenticator_sts_throttling_total{StsRegion=\"eu-west-1\"} 1",
            "aws_iam_authenticator_configmap_watch_failures_total 0",
            "aws_iam_authenticator_authenticate_latency_seconds_bucket{result=\"uknown_user\",le=\"0.025\"} 1",
            "aws_iam_authenticator_authenticate_latency_seconds_count{result=\"success\"} 0",
            "aws_iam_authenticator_ec2_describe_instances_calls_total 0",
            "kube_iam_denials_total{reason=\"not_mapped\"} 1",
            "kube_iam_stale{section=\"mapRoles\"} 0",
        ] {
            assert!(text.lines().any(|written| written == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn there_are_no_metrics_of_a_runtime() {
        let text = Metrics::new().encode();
        let names = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect::<Vec<_>>();
        assert!(names.len() > 10, "{text}");
        for name in names {
            assert!(name.starts_with("aws_iam_authenticator_") || name.starts_with("kube_iam_"), "{name}");
        }
    }

    #[test]
    fn backends_report_their_size() {
        let metrics = Metrics::new();
        metrics.note_snapshot(&Snapshot::empty(Backend::EksConfigMap));
        let stale = Stale { section: Section::MapUsers, since: Timestamp::UNIX_EPOCH, reason: String::new() };
        metrics.note_stale(&[stale]);
        let text = metrics.encode();
        assert!(text.contains("kube_iam_mappings{backend=\"EKSConfigMap\"} 0"), "{text}");
        assert!(text.contains("kube_iam_stale{section=\"mapUsers\"} 1"), "{text}");
    }
}
