//! Which proxy leads to kube-apiserver.

use std::net::IpAddr;

use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

use super::{ConnectError, Environment};

/// A proxy on the way to kube-apiserver.
pub(super) enum Proxy {
    /// One that makes tunnels by HTTP's `CONNECT`.
    Http { uri: Uri, authorization: Option<HeaderValue> },
    /// One that speaks SOCKS 5.
    Socks { uri: Uri, user: Option<(String, String)> },
}

/// The proxy that a kubeconfig names, else that of the environment by the rules
/// of Go's `net/http`: a variable for each scheme, and never for this host.
pub(super) fn towards(
    target: &Uri,
    named: Option<&Uri>,
    environment: Environment<'_>,
) -> Result<Option<Proxy>, ConnectError> {
    if let Some(named) = named {
        return chosen(&named.to_string(), "", target, "`proxy-url`");
    }
    let (origin, upper, lower) = match target.scheme_str() {
        Some("http") => ("`HTTP_PROXY`", "HTTP_PROXY", "http_proxy"),
        _ => ("`HTTPS_PROXY`", "HTTPS_PROXY", "https_proxy"),
    };
    let Some(url) = environment(upper).or_else(|| environment(lower)).filter(|_| !is_this_host(target)) else {
        return Ok(None);
    };
    let bypassed = environment("NO_PROXY").or_else(|| environment("no_proxy")).unwrap_or_default();
    chosen(&url, &bypassed, target, origin)
}

fn is_this_host(target: &Uri) -> bool {
    let host = target.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The proxy at `url`, unless the target is one of `bypassed`. A proxy that is not
/// understood is an error: going around it would lead where it shall not.
fn chosen(url: &str, bypassed: &str, target: &Uri, origin: &'static str) -> Result<Option<Proxy>, ConnectError> {
    let intercept = |bypassed: &str| Matcher::builder().all(url).no(bypassed).build().intercept(target);
    let understood = intercept("").and_then(|intercept| Proxy::of(&intercept));
    // The library takes `*` for names only; Go takes it for every host.
    let everything = bypassed.split(',').any(|entry| entry.trim() == "*");
    let intercepted = if everything { None } else { intercept(bypassed) };
    Ok(intercepted.and(Some(understood.ok_or(ConnectError::Proxy(origin))?)))
}

impl Proxy {
    fn of(intercept: &Intercept) -> Option<Self> {
        let uri = intercept.uri().clone();
        match uri.scheme_str() {
            Some("http") => Some(Self::Http { uri, authorization: intercept.basic_auth().cloned() }),
            Some("socks5" | "socks5h") => {
                let user = intercept.raw_auth().map(|(name, password)| (name.to_owned(), password.to_owned()));
                Some(Self::Socks { uri, user })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The proxy towards a target, as a URL.
    fn proxy(target: &str, named: Option<&str>, variables: &[(&str, &str)]) -> Result<Option<String>, String> {
        let named = named.map(|named| named.parse().unwrap());
        let environment =
            |name: &str| variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned());
        match towards(&target.parse().unwrap(), named.as_ref(), &environment) {
            Ok(Some(Proxy::Http { uri, .. } | Proxy::Socks { uri, .. })) => Ok(Some(uri.to_string())),
            Ok(None) => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn the_environment_counts_by_scheme_and_never_for_this_host() {
        let variables = [("HTTPS_PROXY", "http://secure.example:1"), ("http_proxy", "plain.example:2")];
        let all = [
            ("https://k8s.example:6443", Some("http://secure.example:1/")),
            ("http://k8s.example:8080", Some("http://plain.example:2/")),
            ("https://127.0.0.1:6443", None),
            ("https://[::1]:6443", None),
            ("https://localhost:6443", None),
        ];
        for (target, expected) in all {
            assert_eq!(proxy(target, None, &variables).unwrap().as_deref(), expected, "{target}");
        }
        assert_eq!(proxy("https://k8s.example", None, &[]), Ok(None));
    }

    #[test]
    fn hosts_of_no_proxy_are_reached_directly() {
        let target = "https://10.96.0.1:443";
        for (list, bypassed) in [("10.96.0.0/12", true), ("10.96.0.1,.svc", true), ("*", true), (".svc,", false)] {
            let variables = [("HTTPS_PROXY", "http://proxy.example:1"), ("NO_PROXY", list)];
            assert_eq!(proxy(target, None, &variables).unwrap().is_none(), bypassed, "{list}");
        }
    }

    #[test]
    fn the_kubeconfig_wins() {
        let variables = [("HTTPS_PROXY", "http://proxy.example:1"), ("NO_PROXY", "*")];
        let named = proxy("https://k8s.example", Some("socks5://bastion.example:1080"), &variables);
        assert_eq!(named, Ok(Some("socks5://bastion.example:1080/".to_owned())));
    }

    #[test]
    fn a_proxy_that_is_not_understood_is_never_gone_around() {
        for (variable, value) in [("HTTPS_PROXY", "ftp://proxy.example"), ("https_proxy", "http://user:secret@:::")] {
            let error = proxy("https://k8s.example", None, &[(variable, value)]).unwrap_err();
            assert_eq!(
                error,
                "the proxy for kube-apiserver (`HTTPS_PROXY`) is not a URL with scheme `http` or `socks5`"
            );
        }
        // Where it is not needed it does no harm either.
        assert_eq!(proxy("https://127.0.0.1:6443", None, &[("HTTPS_PROXY", "ftp://proxy.example")]), Ok(None));
    }
}
