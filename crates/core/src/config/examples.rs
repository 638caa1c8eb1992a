//! A right value for each key: the hint beside a wrong one.

use alloc::format;
use alloc::string::String;

/// The hint beside a wrong value of a key, if a right one is known.
pub(super) fn hint(key: &str) -> Option<String> {
    of(key).map(|example| format!("for example `{key}: {example}`"))
}

/// How a key may be set, as it is written in YAML.
pub(super) fn of(key: &str) -> Option<&'static str> {
    Some(match key {
        "clusterID" => "my-cluster.example.com",
        "role" | "ec2DescribeInstancesRoleARN" => "arn:aws:iam::111122223333:role/NAME",
        "region" => "us-east-1",
        "externalID" | "sessionName" => "some-name",
        "output" => "json",
        "partition" => "aws",
        "tokenOnly"
        | "forwardSessionName"
        | "cache"
        | "kubeconfigPregenerated"
        | "verifyNodeInstance"
        | "publishStatus" => "true",
        "replicaName" => "node-1.example.com",
        "address" => "127.0.0.1",
        "port" => "21362",
        "hostname" => "localhost",
        "healthAddress" => "127.0.0.1:21363",
        "stateDir" => "/var/aws-iam-authenticator",
        "generateKubeconfig" => "/etc/kubernetes/aws-iam-authenticator/kubeconfig.yaml",
        "kubeconfig" => "/etc/kubernetes/kube-iam.conf",
        "master" => "https://127.0.0.1:6443",
        "backendMode" => "[EKSConfigMap, MountedFile]",
        "backendmode" => "EKSConfigMap",
        "usernamePrefixReserveList" => "['system:']",
        "reservedPrefixConfig" => "[{backendmode: EKSConfigMap, usernamePrefixReserveList: ['system:']}]",
        "mapRoles" => "[{rolearn: 'arn:aws:iam::111122223333:role/NAME', username: NAME, groups: [GROUP]}]",
        "mapUsers" => "[{userarn: 'arn:aws:iam::111122223333:user/NAME', username: NAME, groups: [GROUP]}]",
        "mapAccounts" | "scrubbedAccounts" => "['111122223333']",
        "ec2DescribeInstancesQps" => "15",
        "ec2DescribeInstancesBurst" => "5",
        "sourceARN" => "arn:aws:eks:us-east-1:111122223333:cluster/NAME",
        "breakGlassFile" => "/etc/kube-iam/break-glass.yaml",
        "denialStatus" => "class",
        "identityCacheTTL" | "deletionGrace" => "5m",
        "onBadConfig" => "keep",
        "rolePaths" => "match",
        "apiAudiences" => "['https://kubernetes.default.svc']",
        _ => return None,
    })
}
