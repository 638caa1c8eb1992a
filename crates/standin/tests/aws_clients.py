"""AWS's own client libraries, asked to do one thing; prints what came of it as JSON.

    aws_clients.py identity
    aws_clients.py describe-cluster NAME
    aws_clients.py assume-role '{"RoleArn": …}'
    aws_clients.py call ec2 describe_instances '{"InstanceIds": […]}'
    aws_clients.py pages cloudformation describe_stacks Stacks
    aws_clients.py presign CLUSTER
    aws_clients.py odd-requests HOST REGION

Credentials, proxy and certificate come from the environment, as for every AWS client.
"""

import json
import sys

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.exceptions
import botocore.session
import botocore.signers


def identity():
    answer = boto3.client("sts").get_caller_identity()
    return {name: answer[name] for name in ("Arn", "Account", "UserId")}


def describe_cluster(name):
    cluster = boto3.client("eks").describe_cluster(name=name)["cluster"]
    return {**cluster, "createdAt": cluster["createdAt"].timestamp()}


def assume_role(arguments):
    answer = boto3.client("sts").assume_role(**json.loads(arguments))
    credentials = answer["Credentials"]
    session = boto3.Session(
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )
    return {
        "AssumedRoleUser": answer["AssumedRoleUser"],
        "Expiration": credentials["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        "Caller": session.client("sts").get_caller_identity()["Arn"],
    }


def call(service, operation, arguments):
    answer = getattr(boto3.client(service), operation)(**json.loads(arguments))
    answer.pop("ResponseMetadata")
    return json.loads(json.dumps(answer, default=str))


def pages(service, operation, key, arguments="{}"):
    """The lists of all pages, each apart."""
    paginator = boto3.client(service).get_paginator(operation)
    answers = [page[key] for page in paginator.paginate(**json.loads(arguments))]
    return json.loads(json.dumps(answers, default=str))


def presign(cluster):
    session = boto3.Session()
    client = session.client("sts")
    signer = botocore.signers.RequestSigner(
        client.meta.service_model.service_id,
        session.region_name,
        "sts",
        "v4",
        session.get_credentials(),
        session.events,
    )
    request = {
        "method": "GET",
        "url": f"https://sts.{session.region_name}.amazonaws.com/"
        "?Action=GetCallerIdentity&Version=2011-06-15",
        "body": {},
        "headers": {"x-k8s-aws-id": cluster},
        "context": {},
    }
    return signer.generate_presigned_url(
        request, region_name=session.region_name, expires_in=60, operation_name=""
    )


def odd_requests(host, region):
    """Requests whose canonical form is easily got wrong, signed in both ways."""
    credentials = boto3.Session().get_credentials().get_frozen_credentials()
    base = "Action=GetCallerIdentity&Version=2011-06-15"
    queries = [
        base,
        "Version=2011-06-15&Action=GetCallerIdentity",
        base + "&z=1&a=2&A=3",
        base + "&a=2&a=1&a=10",
        base + "&empty=&a-b=1&a.b=2&a_b=3&a~b=4",
        base + "&slash=%2F&blank=%20&plus=%2B&semi=%3B&percent=%25",
        base + "&e=%C3%A9&han=%E6%BC%A2&%C3%A9=1",
        base + "&star=%2A&colon=%3A&at=%40&brackets=%5B%5D",
    ]
    headers = [
        {},
        {"x-k8s-aws-id": "prod"},
        {"x-k8s-aws-id": "two  blanks", "a-header": "  around  "},
        {"x-zeta": "1", "x-alpha": "a,b;c=d \"e\""},
    ]
    for query in queries:
        for extra in headers:
            url = f"https://{host}/?{query}"
            yield sign(botocore.auth.SigV4QueryAuth, credentials, region, "GET", url, extra)
            yield sign(botocore.auth.SigV4Auth, credentials, region, "GET", url, extra)
            form = dict(extra)
            form["Content-Type"] = "application/x-www-form-urlencoded; charset=utf-8"
            yield sign(
                botocore.auth.SigV4Auth, credentials, region, "POST", f"https://{host}/", form, query
            )


def sign(auth, credentials, region, method, url, headers, body=""):
    request = botocore.awsrequest.AWSRequest(
        method=method, url=url, headers=headers, data=body.encode()
    )
    auth(credentials, "sts", region).add_auth(request)
    prepared = request.prepare()
    return {
        "method": method,
        "url": prepared.url,
        "headers": {name: text(value) for name, value in prepared.headers.items()},
        "body": body,
    }


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def main(command, *arguments):
    commands = {
        "identity": identity,
        "describe-cluster": describe_cluster,
        "assume-role": assume_role,
        "call": call,
        "pages": pages,
        "presign": presign,
        "odd-requests": lambda *given: list(odd_requests(*given)),
    }
    try:
        answer = commands[command](*arguments)
    except botocore.exceptions.ClientError as error:
        answer = {
            "error": error.response["Error"]["Code"],
            "message": error.response["Error"]["Message"],
            "status": error.response["ResponseMetadata"]["HTTPStatusCode"],
        }
    json.dump(answer, sys.stdout)


main(*sys.argv[1:])
