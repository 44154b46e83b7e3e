// SPDX-License-Identifier: Apache-2.0

// Goupdate sends DNS UPDATE messages with the Go library that lego, external-dns and many others use. It reads lines:
//
//	used NAME | unused NAME | rrset RR... | no-rrset RR | equal RR      prerequisites (RFC 2136 s2.4)
//	insert RR | remove RR | remove-rrset RR | remove-name NAME          operations (s2.5)
//	send                                                                the message so far; prints its rcode or error
//	query NAME TYPE                                                     signed as well; prints the rcode and the answers
//
// RR is in master-file syntax. The flags say where to and how to sign; the answer's signature is verified by the library.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/miekg/dns"
)

var (
	server    = flag.String("server", "", "ADDRESS:PORT")
	network   = flag.String("net", "udp", "udp or tcp")
	zone      = flag.String("zone", "", "the zone to update")
	key       = flag.String("key", "", "name of the key, none: unsigned")
	secret    = flag.String("secret", "", "its secret, base64")
	algorithm = flag.String("algorithm", dns.HmacSHA256, "its algorithm")
)

const (
	fudge   = 300
	timeout = 20 * time.Second
)

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(2)
}

func record(text string) []dns.RR {
	rr, err := dns.NewRR(text)
	if err != nil {
		fail(err)
	}
	return []dns.RR{rr}
}

// name is a record of which only the name matters.
func name(text string) []dns.RR {
	return []dns.RR{&dns.ANY{Hdr: dns.RR_Header{Name: dns.Fqdn(text)}}}
}

func exchange(m *dns.Msg) (*dns.Msg, error) {
	c := &dns.Client{Net: *network, Timeout: timeout}
	if *key != "" {
		c.TsigSecret = map[string]string{dns.Fqdn(*key): *secret}
		m.SetTsig(dns.Fqdn(*key), *algorithm, fudge, time.Now().Unix())
	}
	answer, _, err := c.Exchange(m, *server)
	return answer, err
}

func show(answer *dns.Msg, err error) {
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	fmt.Println(dns.RcodeToString[answer.Rcode])
	for _, rr := range answer.Answer {
		fmt.Println(strings.ReplaceAll(rr.String(), "\t", " "))
	}
}

func fresh() *dns.Msg {
	m := new(dns.Msg)
	m.SetUpdate(*zone)
	return m
}

func query(arguments string) {
	fields := strings.Fields(arguments)
	m := new(dns.Msg)
	m.SetQuestion(dns.Fqdn(fields[0]), dns.StringToType[fields[1]])
	show(exchange(m))
}

func main() {
	flag.Parse()
	m := fresh()
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		verb, rest, _ := strings.Cut(lines.Text(), " ")
		switch verb {
		case "used":
			m.NameUsed(name(rest))
		case "unused":
			m.NameNotUsed(name(rest))
		case "rrset":
			m.RRsetUsed(record(rest))
		case "no-rrset":
			m.RRsetNotUsed(record(rest))
		case "equal":
			m.Used(record(rest))
		case "insert":
			m.Insert(record(rest))
		case "remove":
			m.Remove(record(rest))
		case "remove-rrset":
			m.RemoveRRset(record(rest))
		case "remove-name":
			m.RemoveName(name(rest))
		case "send":
			show(exchange(m))
			m = fresh()
		case "query":
			query(rest)
		default:
			fail(fmt.Errorf("unknown line: %s", lines.Text()))
		}
	}
}
