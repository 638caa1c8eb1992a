//! What a change of the file can't change in a running server.

use alloc::vec::Vec;

use super::{Config, ServerConfig};

impl Config {
    /// The keys whose values differ from those of another file, and count for a
    /// server from its start only.
    pub fn differing_until_restart(&self, other: &Self) -> Vec<&'static str> {
        let server = self.server.differing_until_restart(&other.server);
        let cluster = Some("clusterID").filter(|_| self.cluster_id != other.cluster_id);
        cluster.into_iter().chain(server).collect()
    }
}

impl ServerConfig {
    fn differing_until_restart(&self, other: &Self) -> impl Iterator<Item = &'static str> {
        // All keys are named here: a new one has to be decided about.
        let Self {
            partition,
            address,
            port,
            hostname,
            state_dir,
            generate_kubeconfig,
            kubeconfig_pregenerated,
            kubeconfig,
            master,
            backend_mode,
            mappings: _,
            scrubbed_accounts: _,
            reserved_prefixes: _,
            ec2_qps,
            ec2_burst,
            ec2_role,
            source_arn,
            verify_node_instance,
            break_glass_file,
            publish_status,
            replica_name,
            health_address,
            denial_status,
            identity_cache_ttl,
            deletion_grace,
            on_bad_config,
            role_paths,
            api_audiences,
        } = self;
        let keys = [
            ("server.partition", *partition != other.partition),
            ("server.address", *address != other.address),
            ("server.port", *port != other.port),
            ("server.hostname", *hostname != other.hostname),
            ("server.stateDir", *state_dir != other.state_dir),
            ("server.generateKubeconfig", *generate_kubeconfig != other.generate_kubeconfig),
            ("server.kubeconfigPregenerated", *kubeconfig_pregenerated != other.kubeconfig_pregenerated),
            ("server.kubeconfig", *kubeconfig != other.kubeconfig),
            ("server.master", *master != other.master),
            ("server.backendMode", *backend_mode != other.backend_mode),
            ("server.ec2DescribeInstancesQps", *ec2_qps != other.ec2_qps),
            ("server.ec2DescribeInstancesBurst", *ec2_burst != other.ec2_burst),
            ("server.ec2DescribeInstancesRoleARN", *ec2_role != other.ec2_role),
            ("server.sourceARN", *source_arn != other.source_arn),
            ("server.verifyNodeInstance", *verify_node_instance != other.verify_node_instance),
            ("server.breakGlassFile", *break_glass_file != other.break_glass_file),
            ("server.publishStatus", *publish_status != other.publish_status),
            ("server.replicaName", *replica_name != other.replica_name),
            ("server.healthAddress", *health_address != other.health_address),
            ("server.denialStatus", *denial_status != other.denial_status),
            ("server.identityCacheTTL", *identity_cache_ttl != other.identity_cache_ttl),
            ("server.deletionGrace", *deletion_grace != other.deletion_grace),
            ("server.onBadConfig", *on_bad_config != other.on_bad_config),
            ("server.rolePaths", *role_paths != other.role_paths),
            ("server.apiAudiences", *api_audiences != other.api_audiences),
        ];
        keys.into_iter().filter_map(|(key, differs)| differs.then_some(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Format, parse};

    #[test]
    fn keys_of_the_start_are_named_and_mappings_are_not() {
        let config = |text: &str| {
            let parsed = parse(text, Format::Yaml);
            assert!(parsed.problems.is_empty() && parsed.warnings.is_empty(), "{parsed:?}");
            parsed.config
        };
        let old = config("clusterID: a\nserver: {port: 1, rolePaths: go, mapAccounts: ['111122223333']}\n");
        let new = config(
            "clusterID: b\nserver: {port: 2, rolePaths: go, backendMode: [MountedFile], scrubbedAccounts: ['444455556666']}\n",
        );
        assert_eq!(new.differing_until_restart(&old), ["clusterID", "server.port", "server.backendMode"]);
        assert!(old.differing_until_restart(&old).is_empty());
    }

    #[test]
    fn no_key_of_the_start_is_forgotten() {
        let all = "partition: aws\n  address: 127.0.0.1\n  port: 1\n  hostname: x\n  stateDir: x\n  generateKubeconfig: x\n  \
                   kubeconfigPregenerated: true\n  kubeconfig: x\n  master: x\n  backendMode: [EKSConfigMap]\n  \
                   ec2DescribeInstancesQps: 1\n  ec2DescribeInstancesBurst: 1\n  \
                   ec2DescribeInstancesRoleARN: arn:aws:iam::111122223333:role/x\n  sourceARN: 'arn:aws:eks:x:111122223333:c'\n  \
                   verifyNodeInstance: true\n  breakGlassFile: x\n  publishStatus: true\n  replicaName: x\n  healthAddress: '127.0.0.1:1'\n  denialStatus: '403'\n  \
                   identityCacheTTL: 1m\n  deletionGrace: 1m\n  onBadConfig: drop\n  rolePaths: go\n  apiAudiences: [x]";
        let parsed = parse(&alloc::format!("server:\n  {all}\n"), Format::Yaml);
        assert!(parsed.problems.is_empty() && parsed.warnings.is_empty(), "{parsed:?}");
        let named = parsed.config.differing_until_restart(&Config::default());
        let keys = all.lines().map(|line| line.trim().split(':').next().unwrap());
        assert_eq!(named, keys.map(|key| alloc::format!("server.{key}")).collect::<Vec<_>>());
    }
}
