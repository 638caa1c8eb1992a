//! EC2's answers about instances that it does not know, or has no name for.

use kube_iam_standin::{Ec2Instance, Settings};
use tokio::task::JoinSet;

use super::apiserver::Apiserver;
use super::{BY_INSTANCE, instance, session, token, webhook};
use crate::aws::Aws;

fn id(number: u32) -> String {
    format!("i-{number:017x}")
}

#[tokio::test]
async fn one_bad_instance_keeps_no_other_out_and_no_empty_name_is_remembered() {
    const UNKNOWN: u32 = 5;
    const LATE: u32 = 6;
    const NAMED_LATE: u32 = 7;
    const NAMELESS: u32 = 8;
    let known = (0..16).filter(|number| *number != UNKNOWN).map(|number| Ec2Instance {
        unknown_calls: u32::from(number == LATE),
        nameless_calls: match number {
            NAMED_LATE => 1,
            NAMELESS => u32::MAX,
            _ => 0,
        },
        ..instance(&id(number), number)
    });
    let keys: Vec<_> = (0..16).map(|number| session("nodes", &id(number))).collect();
    let settings = Settings { keys: keys.clone(), instances: known.collect(), ..Settings::default() };
    let aws = Aws::start_with(settings).await;
    let (home, webhook) = webhook(&aws, BY_INSTANCE).await;
    let mut tokens = Vec::new();
    for key in &keys {
        tokens.push(token(key).await);
    }

    let apiserver = Apiserver::of(&home, &webhook);
    let login = |number: u32| {
        let review = apiserver.review(number as usize, &tokens[number as usize]);
        async move { (number, review.await) }
    };
    let logins: JoinSet<_> = (0..16).map(login).collect();
    for (number, answer) in logins.join_all().await {
        match number {
            UNKNOWN | NAMELESS => assert_eq!(answer.refusal(), "node_lookup_failed", "{number}"),
            _ => assert_eq!(answer.user()["username"], format!("system:node:ip-10-0-0-{number}.ec2.internal")),
        }
    }
    assert!(!webhook.log().contains("\"system:node:\""), "nobody is named after nothing");

    // What EC2 learns counts at the next login, of the same token too.
    for number in [UNKNOWN, NAMELESS] {
        aws.standin.add_instance(instance(&id(number), number));
        let answer = webhook.review(&tokens[number as usize]).await;
        assert_eq!(answer.user()["username"], format!("system:node:ip-10-0-0-{number}.ec2.internal"));
    }
    assert_eq!(webhook.terminate().await, Some(0));
}
