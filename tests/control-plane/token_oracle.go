package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The rules of aws-iam-authenticator 0.7.18 for tokens, as observed from outside
// and put into words of our own. What is asked of Go here is its reading of URLs,
// queries, base64 and dates, which those rules lean on.

const (
	tokenPrefix   = "k8s-aws-v1."
	tokenMaxBytes = 4096
	tokenLifetime = 15 * time.Minute
	idHeader      = "x-k8s-aws-id"
	amzDate       = "20060102T150405Z"
)

// refusal is the rule that a token fails.
type refusal string

func (r refusal) Error() string { return string(r) }

// goServer is what the authenticator was started with, and its clock.
type goServer struct {
	partition string
	clusterID string
	now       time.Time
}

// verdict is what becomes of a token before STS is asked: one of both is set.
type verdict struct {
	Refused  string    `json:"refused,omitempty"`
	Accepted *accepted `json:"accepted,omitempty"`
}

// accepted is the request that Go's HTTP client would write for a token, and what
// Go reads from it.
type accepted struct {
	URL           string            `json:"url"`
	Host          string            `json:"host"`
	PathAndQuery  string            `json:"pathAndQuery"`
	ClusterID     string            `json:"clusterId"`
	Authorization string            `json:"authorization"`
	Parameters    map[string]string `json:"parameters"`
	SignedAt      int64             `json:"signedAt"`
	AccessKeyID   string            `json:"accessKeyId"`
}

// runTokenOracle reads tokens, each a JSON string on a line of its own, and writes
// one line of JSON for each. Its arguments are the partition, the cluster ID and
// the time. It returns the exit code.
func runTokenOracle(args []string, in io.Reader, out io.Writer) int {
	if err := judgeAll(args, in, out); err != nil {
		fmt.Fprintln(os.Stderr, "token-oracle:", err)
		return 1
	}
	return 0
}

func judgeAll(args []string, in io.Reader, out io.Writer) error {
	if len(args) != 3 {
		return errors.New("the arguments are PARTITION CLUSTER_ID UNIX_SECONDS")
	}
	seconds, err := strconv.ParseInt(args[2], 10, 64)
	if err != nil {
		return err
	}
	if _, known := partitions[args[0]]; !known {
		return fmt.Errorf("unknown partition %q", args[0])
	}
	server := goServer{partition: args[0], clusterID: args[1], now: time.Unix(seconds, 0)}
	buffered := bufio.NewWriter(out)
	decoder, encoder := json.NewDecoder(in), json.NewEncoder(buffered)
	for {
		var token string
		if err := decoder.Decode(&token); err == io.EOF {
			return buffered.Flush()
		} else if err != nil {
			return err
		}
		if err := encoder.Encode(server.judge(token)); err != nil {
			return err
		}
	}
}

func (s goServer) judge(token string) verdict {
	var request *accepted
	err := caught(func() (err error) {
		request, err = s.accept(token)
		return err
	})
	if err != nil {
		return verdict{Refused: err.Error()}
	}
	return verdict{Accepted: request}
}

func (s goServer) accept(token string) (*accepted, error) {
	if len(token) > tokenMaxBytes {
		return nil, refusal("size")
	}
	encoded, ours := strings.CutPrefix(token, tokenPrefix)
	if !ours {
		return nil, refusal("prefix")
	}
	decoded, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return nil, refusal("base64")
	}
	parsed, err := url.Parse(string(decoded))
	if err != nil {
		return nil, refusal("url")
	}
	if parsed.Scheme != "https" {
		return nil, refusal("scheme")
	}
	if err := allowHost(parsed.Host, s.partition); err != nil {
		return nil, err
	}
	if parsed.Path != "/" {
		return nil, refusal("path")
	}
	parameters, err := readParameters(parsed.RawQuery)
	if err != nil {
		return nil, err
	}
	signedAt, err := s.allowParameters(parameters)
	if err != nil {
		return nil, err
	}
	result, err := s.sent(parsed)
	if err != nil {
		return nil, refusal("request")
	}
	result.URL = string(decoded)
	result.SignedAt = signedAt.Unix()
	result.AccessKeyID, _, _ = strings.Cut(parameters["x-amz-credential"], "/")
	return result, nil
}

var parameterNames = map[string]bool{
	"action": true, "version": true, "x-amz-algorithm": true, "x-amz-credential": true, "x-amz-date": true,
	"x-amz-expires": true, "x-amz-security-token": true, "x-amz-signature": true, "x-amz-signedheaders": true,
}

// readParameters reads a query by lower-cased names.
func readParameters(query string) (map[string]string, error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, refusal("query")
	}
	parameters := map[string]string{}
	for name := range values {
		lower := strings.ToLower(name)
		if _, twice := parameters[lower]; twice {
			return nil, refusal("spelt twice")
		}
		parameters[lower] = values[name][0]
	}
	for name, all := range values {
		switch {
		case !parameterNames[strings.ToLower(name)]:
			return nil, refusal("unknown parameter")
		case len(all) != 1:
			return nil, refusal("many values")
		}
	}
	return parameters, nil
}

// allowParameters checks the values that are checked at all, and returns the date.
func (s goServer) allowParameters(parameters map[string]string) (time.Time, error) {
	none := time.Time{}
	if parameters["action"] != "GetCallerIdentity" {
		return none, refusal("action")
	}
	signed := false
	for _, name := range strings.Split(parameters["x-amz-signedheaders"], ";") {
		signed = signed || strings.EqualFold(name, idHeader)
	}
	if !signed {
		return none, refusal("signed headers")
	}
	expires, err := strconv.Atoi(parameters["x-amz-expires"])
	if err != nil || expires < 0 || expires > 900 {
		return none, refusal("expires")
	}
	if parameters["x-amz-date"] == "" {
		return none, refusal("no date")
	}
	date, err := time.Parse(amzDate, parameters["x-amz-date"])
	if err != nil {
		return none, refusal("date")
	}
	if date.Add(tokenLifetime).Before(s.now) {
		return none, refusal("expired")
	}
	return date, nil
}

// recorder keeps the request that would go out in place of sending it.
type recorder struct{ request *http.Request }

func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	r.request = request
	return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody, Request: request}, nil
}

// sent hands the URL to Go's HTTP client, as it is.
func (s goServer) sent(parsed *url.URL) (*accepted, error) {
	request, err := http.NewRequest(http.MethodGet, parsed.String(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set(idHeader, s.clusterID)
	wire := &recorder{}
	if _, err := (&http.Client{Transport: wire}).Do(request); err != nil {
		return nil, err
	}
	parameters := map[string]string{}
	for name, values := range wire.request.URL.Query() {
		parameters[name] = strings.Join(values, "\n")
	}
	return &accepted{
		Host:          wire.request.URL.Host,
		PathAndQuery:  wire.request.URL.RequestURI(),
		ClusterID:     wire.request.Header.Get(idHeader),
		Authorization: wire.request.Header.Get("Authorization"),
		Parameters:    parameters,
	}, nil
}

// partition holds what decides about hosts. The patterns of regions and the
// domains are AWS's partitions data. The commercial partition takes every region
// that fits no other, so it needs no pattern.
type partition struct {
	regions         *regexp.Regexp
	domain          string
	dualStackDomain string
}

var partitions = map[string]partition{
	"aws":        {nil, "amazonaws.com", "api.aws"},
	"aws-us-gov": {regexp.MustCompile(`^us-gov-\w+-\d+$`), "amazonaws.com", "api.aws"},
	"aws-cn":     {regexp.MustCompile(`^cn-\w+-\d+$`), "amazonaws.com.cn", "api.amazonwebservices.com.cn"},
	"aws-eusc":   {regexp.MustCompile(`^eusc-de-\w+-\d+$`), "amazonaws.eu", "api.amazonwebservices.eu"},
	"aws-iso":    {regexp.MustCompile(`^us-iso-\w+-\d+$`), "c2s.ic.gov", ""},
	"aws-iso-b":  {regexp.MustCompile(`^us-isob-\w+-\d+$`), "sc2s.sgov.gov", ""},
	"aws-iso-e":  {regexp.MustCompile(`^eu-isoe-\w+-\d+$`), "cloud.adc-e.uk", ""},
	"aws-iso-f":  {regexp.MustCompile(`^us-isof-\w+-\d+$`), "csp.hci.ic.gov", ""},
}

var regionLabel = regexp.MustCompile(`^[[:alnum:]]([[:alnum:]\-]*[[:alnum:]])?$`)

// allowHost is for a server that has no region of its own from the metadata
// service, which would allow one more host.
func allowHost(host, served string) error {
	own := partitions[served]
	if host == "sts.amazonaws.com" {
		if served != "aws" {
			return refusal("global host")
		}
		return nil
	}
	labels := strings.SplitN(host, ".", 3)
	if len(labels) < 3 {
		return refusal("host")
	}
	region, domain := labels[1], labels[2]
	if !regionLabel.MatchString(region) {
		return refusal("region")
	}
	if !hostsOf(region)[host] {
		return refusal("host")
	}
	if domain != own.domain && domain != own.dualStackDomain {
		return refusal("partition")
	}
	return nil
}

// hostsOf are the names that the AWS SDK has for STS in a region, known or not.
func hostsOf(region string) map[string]bool {
	name := "aws"
	for other, candidate := range partitions {
		if candidate.regions != nil && candidate.regions.MatchString(region) {
			name = other
		}
	}
	of := partitions[name]
	hosts := map[string]bool{"sts." + region + "." + of.domain: true}
	// In GovCloud the plain name is the one with FIPS.
	if name != "aws-us-gov" {
		hosts["sts-fips."+region+"."+of.domain] = true
	}
	if of.dualStackDomain != "" {
		hosts["sts."+region+"."+of.dualStackDomain] = true
		hosts["sts-fips."+region+"."+of.dualStackDomain] = true
	}
	return hosts
}
