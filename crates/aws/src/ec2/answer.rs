//! What EC2 answers to `DescribeInstances`.

use kube_iam_core::ids::InstanceId;
use kube_iam_core::ports::Instance;

use crate::xml::{Element, XmlError};

/// One page of an answer.
pub(super) struct Page {
    pub(super) instances: Vec<Instance>,
    pub(super) next: Option<String>,
}

/// Reads the body of a reply.
pub(super) fn read(body: &[u8]) -> Result<Page, XmlError> {
    let root = Element::parse(body)?;
    let response = root.response("DescribeInstances")?;
    let set = response.at(&["reservationSet"]).ok_or_else(|| XmlError::OtherAnswer("reservationSet".to_owned()))?;
    let instances = set.all("item").flat_map(|reservation| {
        let owner = reservation.text_at(&["ownerId"]);
        let items = reservation.at(&["instancesSet"]).into_iter().flat_map(|set| set.all("item"));
        items.filter_map(move |item| instance(item, owner))
    });
    Ok(Page { instances: instances.collect(), next: response.text_at(&["nextToken"]).map(str::to_owned) })
}

/// Nothing for an instance without an ID that can be one. Members that can't be read count as absent, which lets nobody in.
fn instance(item: &Element, owner: Option<&str>) -> Option<Instance> {
    let id: InstanceId = item.text_at(&["instanceId"])?.parse().ok()?;
    let state = item.text_at(&["instanceState", "name"]);
    Some(Instance {
        id,
        private_dns_name: item.text_at(&["privateDnsName"]).map(str::to_owned),
        account: owner.and_then(|owner| owner.parse().ok()),
        runs: matches!(state, Some("pending" | "running")),
        profile: item.text_at(&["iamInstanceProfile", "arn"]).and_then(|arn| arn.parse().ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(reservations: &str) -> Result<Page, XmlError> {
        let xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <DescribeInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>1</requestId>\
             <reservationSet>{reservations}</reservationSet><nextToken>n</nextToken></DescribeInstancesResponse>"
        );
        read(xml.as_bytes())
    }

    fn reservation(owner: &str, items: &str) -> String {
        format!("<item><ownerId>{owner}</ownerId><instancesSet>{items}</instancesSet></item>")
    }

    #[test]
    fn instances_of_all_reservations_are_read() {
        let full = "<item><instanceId>i-0123456789abcdef0</instanceId><imageId>ami-1</imageId>\
             <instanceState><code>16</code><name>running</name></instanceState>\
             <privateDnsName>ip-10-0-0-1.eu-west-1.compute.internal</privateDnsName>\
             <iamInstanceProfile><arn>arn:aws:iam::111122223333:instance-profile/a/nodes</arn><id>AIPA</id></iamInstanceProfile></item>";
        let bare = "<item><instanceId>i-0000000b</instanceId><instanceState><name>terminated</name></instanceState>\
             <privateDnsName/></item>";
        let page =
            answer(&format!("{}{}", reservation("111122223333", full), reservation("444455556666", bare))).unwrap();
        assert_eq!(page.next.as_deref(), Some("n"));
        let wanted = [
            Instance {
                id: "i-0123456789abcdef0".parse().unwrap(),
                private_dns_name: Some("ip-10-0-0-1.eu-west-1.compute.internal".to_owned()),
                account: Some("111122223333".parse().unwrap()),
                runs: true,
                profile: Some("arn:aws:iam::111122223333:instance-profile/a/nodes".parse().unwrap()),
            },
            Instance {
                id: "i-0000000b".parse().unwrap(),
                private_dns_name: None,
                account: Some("444455556666".parse().unwrap()),
                runs: false,
                profile: None,
            },
        ];
        assert_eq!(page.instances, wanted);
    }

    #[test]
    fn only_pending_and_running_instances_run() {
        for (state, runs) in [
            ("pending", true),
            ("running", true),
            ("shutting-down", false),
            ("stopping", false),
            ("stopped", false),
            ("", false),
        ] {
            let item = format!(
                "<item><instanceId>i-0000000b</instanceId><instanceState><name>{state}</name></instanceState></item>"
            );
            assert_eq!(answer(&reservation("1", &item)).unwrap().instances[0].runs, runs, "{state}");
        }
    }

    #[test]
    fn what_can_not_be_read_is_absent() {
        let item = "<item><instanceId>i-0000000b</instanceId><iamInstanceProfile><arn>arn</arn></iamInstanceProfile></item>\
                    <item><instanceId>vol-1</instanceId></item><item/>";
        let page = answer(&reservation("nobody", item)).unwrap();
        assert_eq!(page.instances.len(), 1);
        assert_eq!((&page.instances[0].account, &page.instances[0].profile), (&None, &None));
        assert!(answer("").unwrap().instances.is_empty());
    }

    #[test]
    fn a_part_of_an_answer_is_none() {
        let whole = "<DescribeInstancesResponse><reservationSet><item><ownerId>1</ownerId><instancesSet><item><instanceId>i-0000000b\
                     </instanceId></item></instancesSet></item></reservationSet></DescribeInstancesResponse>";
        assert_eq!(read(whole.as_bytes()).unwrap().instances.len(), 1);
        for end in 0..whole.len() {
            assert!(read(&whole.as_bytes()[..end]).is_err(), "{}", &whole[..end]);
        }
    }

    #[test]
    fn another_document_is_no_answer() {
        for body in
            ["", "{}", "<Response/>", "<DescribeInstancesResponse/>", "<DescribeInstancesResponse><reservationSet>"]
        {
            assert!(read(body.as_bytes()).is_err(), "{body}");
        }
    }
}
