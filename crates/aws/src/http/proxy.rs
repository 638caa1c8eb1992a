//! The proxy for HTTPS, named in the environment as Go's `net/http` reads it.

use std::net::IpAddr;

use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::Matcher;

use crate::environment::Environment;

/// A proxy for HTTPS connections and the hosts that bypass it.
///
/// Plain HTTP never goes through a proxy here: what we reach that way is the instance or container metadata of this very host.
#[derive(Clone, Debug)]
pub struct Proxy {
    pub(super) uri: Uri,
    pub(super) authorization: Option<HeaderValue>,
    pub(super) socks: Option<Socks>,
    bypass: Bypass,
}

/// User name and password for a SOCKS proxy; empty when the URL has none. No `Debug` of the parts.
#[derive(Clone)]
pub(super) struct Socks {
    pub(super) credentials: Option<(String, String)>,
}

impl std::fmt::Debug for Socks {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Socks")
    }
}

/// The proxy named by the environment is unusable. Going around it in silence would send traffic where the operator forbids it.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the proxy named by `HTTPS_PROXY` (or `ALL_PROXY`) is not a URL with scheme `http`, `https` or `socks5`")]
pub struct ProxyError;

impl Proxy {
    /// Reads `HTTPS_PROXY` (or, if unset, `ALL_PROXY`) and `NO_PROXY`, upper case before lower case.
    ///
    /// # Errors
    ///
    /// When the proxy's URL can't be understood.
    pub fn from_environment(environment: &Environment) -> Result<Option<Self>, ProxyError> {
        let Some(url) = environment.first(&["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]) else {
            return Ok(None);
        };
        let bypass = Bypass::parse(environment.first(&["NO_PROXY", "no_proxy"]).unwrap_or_default());
        Self::new(url, bypass).map(Some)
    }

    fn new(url: &str, bypass: Bypass) -> Result<Self, ProxyError> {
        let probe = Uri::from_static("https://sts.amazonaws.com/");
        let intercept = Matcher::builder().https(url).build().intercept(&probe).ok_or(ProxyError)?;
        let socks = match intercept.uri().scheme_str() {
            Some("http" | "https") => None,
            Some("socks5" | "socks5h") => Some(Socks {
                credentials: intercept.raw_auth().map(|(user, password)| (user.to_owned(), password.to_owned())),
            }),
            _ => return Err(ProxyError),
        };
        Ok(Self { uri: intercept.uri().clone(), authorization: intercept.basic_auth().cloned(), socks, bypass })
    }

    /// Whether a connection to `uri` goes through the proxy.
    pub(super) fn covers(&self, uri: &Uri) -> bool {
        let port = uri.port_u16().unwrap_or(443);
        uri.host().is_some_and(|host| !self.bypass.matches(host, port))
    }
}

/// `NO_PROXY`, by the rules of Go's `golang.org/x/net/http/httpproxy`: `*`; an address or network; `name` for the name and everything
/// below it; `.name` or `*.name` only for what is below; each but a network optionally with `:port`. `localhost` and loopback
/// addresses are always bypassed.
#[derive(Clone, Debug, Default)]
struct Bypass {
    everything: bool,
    rules: Vec<(Target, Option<u16>)>,
}

#[derive(Clone, Debug, PartialEq)]
enum Target {
    Network(IpAddr, u8),
    Address(IpAddr),
    Name(String),
    Below(String),
}

impl Bypass {
    fn parse(list: &str) -> Self {
        let entries = list.split(',').map(|entry| entry.trim().to_ascii_lowercase()).filter(|entry| !entry.is_empty());
        let mut bypass = Self::default();
        for entry in entries {
            if entry == "*" {
                bypass.everything = true;
            } else if let Some(rule) = parse_rule(&entry) {
                bypass.rules.push(rule);
            }
        }
        bypass
    }

    fn matches(&self, host: &str, port: u16) -> bool {
        let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
        let address = host.parse::<IpAddr>().ok();
        if self.everything || host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
            return true;
        }
        self.rules.iter().any(|(target, only)| only.is_none_or(|only| only == port) && target.matches(&host, address))
    }
}

fn parse_rule(entry: &str) -> Option<(Target, Option<u16>)> {
    if let Some((network, bits)) = entry.split_once('/') {
        return Some((Target::Network(network.parse().ok()?, bits.parse().ok()?), None));
    }
    if let Ok(address) = entry.trim_start_matches('[').trim_end_matches(']').parse() {
        return Some((Target::Address(address), None));
    }
    let (name, port) = match entry.rsplit_once(':') {
        Some((name, port)) => (name, Some(port.parse().ok()?)),
        None => (entry, None),
    };
    if let Ok(address) = name.trim_start_matches('[').trim_end_matches(']').parse() {
        return Some((Target::Address(address), port));
    }
    let target = match name.trim_start_matches('*').strip_prefix('.') {
        Some(below) => Target::Below(below.to_owned()),
        None => Target::Name(name.to_owned()),
    };
    Some((target, port))
}

impl Target {
    fn matches(&self, host: &str, address: Option<IpAddr>) -> bool {
        let below = |name: &str| host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'));
        match self {
            Self::Address(wanted) => address == Some(*wanted),
            Self::Network(network, bits) => address.is_some_and(|address| in_network(address, *network, *bits)),
            Self::Name(name) => host == name || below(name),
            Self::Below(name) => below(name),
        }
    }
}

fn in_network(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let same_prefix = |a: u128, b: u128, width: u8| {
        let ignored = u32::from(width.saturating_sub(bits));
        a.checked_shr(ignored).unwrap_or(0) == b.checked_shr(ignored).unwrap_or(0)
    };
    match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(n)) => bits <= 32 && same_prefix(u32::from(a).into(), u32::from(n).into(), 32),
        (IpAddr::V6(a), IpAddr::V6(n)) => bits <= 128 && same_prefix(a.into(), n.into(), 128),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(variables: &[(&str, &str)]) -> Result<Option<Proxy>, ProxyError> {
        Proxy::from_environment(&Environment::from_variables(
            variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())),
        ))
    }

    fn bypassed(list: &str, host: &str) -> bool {
        Bypass::parse(list).matches(host, 443)
    }

    #[test]
    fn no_proxy_follows_go() {
        for (list, host, expected) in [
            ("amazonaws.com", "sts.us-east-1.amazonaws.com", true),
            ("amazonaws.com", "amazonaws.com", true),
            ("amazonaws.com", "notamazonaws.com", false),
            (".amazonaws.com", "amazonaws.com", false),
            (".amazonaws.com", "sts.amazonaws.com", true),
            ("*.amazonaws.com", "sts.amazonaws.com", true),
            ("*.amazonaws.com", "amazonaws.com", false),
            ("AMAZONAWS.com", "sts.amazonaws.com", true),
            ("amazonaws.com:443", "sts.amazonaws.com", true),
            ("amazonaws.com:8443", "sts.amazonaws.com", false),
            ("other.example, *", "sts.amazonaws.com", true),
            ("10.0.0.0/8", "10.2.3.4", true),
            ("10.0.0.0/8", "11.2.3.4", false),
            ("0.0.0.0/0", "11.2.3.4", true),
            ("fd00::/8", "[fd00:ec2::254]", true),
            ("169.254.169.254", "169.254.169.254", true),
            ("", "localhost", true),
            ("", "127.0.0.1", true),
            ("", "[::1]", true),
            ("", "sts.amazonaws.com", false),
        ] {
            assert_eq!(bypassed(list, host), expected, "NO_PROXY={list} host={host}");
        }
    }

    #[test]
    fn upper_case_wins_and_userinfo_becomes_a_header() {
        let proxy = proxy(&[("https_proxy", "http://other:1"), ("HTTPS_PROXY", "http://u:p%40ss@proxy.example:3128")])
            .unwrap()
            .unwrap();
        assert_eq!(proxy.uri.to_string(), "http://proxy.example:3128/");
        // "u:p@ss" in base64
        assert_eq!(proxy.authorization.as_ref().unwrap(), "Basic dTpwQHNz");
        let shown = format!("{proxy:?}");
        assert!(!shown.contains("dTpwQHNz") && !shown.contains("p@ss"), "{shown}");
    }

    #[test]
    fn a_proxy_without_scheme_is_an_http_proxy() {
        assert_eq!(proxy(&[("HTTPS_PROXY", "proxy.example:3128")]).unwrap().unwrap().uri.scheme_str(), Some("http"));
    }

    #[test]
    fn an_unusable_proxy_is_an_error_not_a_detour() {
        assert!(proxy(&[("HTTPS_PROXY", "ftp://proxy.example")]).is_err());
        assert!(proxy(&[("HTTPS_PROXY", "::::")]).is_err());
        assert!(proxy(&[("HTTP_PROXY", "http://proxy.example")]).unwrap().is_none());
    }

    #[test]
    fn socks_is_understood() {
        let proxy = proxy(&[("ALL_PROXY", "socks5://user:secret@proxy.example:1080")]).unwrap().unwrap();
        assert_eq!(proxy.socks.as_ref().unwrap().credentials, Some(("user".to_owned(), "secret".to_owned())));
        assert!(!format!("{proxy:?}").contains("secret"));
    }
}
