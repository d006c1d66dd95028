package dashboard

import (
	linked "container/list"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// source is where a request comes from, from the large to the small: the network of
// its address, the address, the client that the address speaks for. No two of its
// parts, of any sources, have one name.
type source [3]string

// sourceOf returns the source of a request. The client is what the proxy there wrote
// of its own: the last entry of X-Forwarded-For. Everything else in such headers may
// be made up; and who makes that up as well is told apart only from himself.
func sourceOf(r *http.Request) source {
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	network, address := networks(host)
	network = "network " + network // which may be one address as well
	via := r.Header.Values("X-Forwarded-For")
	_, client := networks(strings.TrimSpace(lastPart(strings.Join(via, ","))))
	return source{network, address, address + " for " + client}
}

func lastPart(list string) string { return list[strings.LastIndexByte(list, ',')+1:] }

// networks returns the network that an address is in and the one that one host has: of
// IPv6 a /48 and a /64, of IPv4 a /24 and the address itself. What is no address has none.
func networks(host string) (network, own string) {
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	if err != nil {
		if at, err := netip.ParseAddrPort(host); err == nil { // as some proxies write it
			addr = at.Addr()
		}
	}
	addr = addr.Unmap().WithZone("")
	large, small := 48, 64
	if addr.Is4() {
		large, small = 24, 32
	}
	if !addr.IsValid() {
		return "", ""
	}
	return netip.PrefixFrom(addr, large).Masked().String(), netip.PrefixFrom(addr, small).Masked().String()
}

// visitor is the source of somebody who is known, wherever he is.
func visitor(id string) source {
	all := "visitor " + id
	return source{all, all + " address", all + " client"}
}

// standing is how many tries came lately from each part of a source. They are compared
// from the large to the small.
type standing [3]int

const (
	mostSources = 15_000
	lately      = 15 * time.Minute
)

// ledger counts tries by where they came from. It is bounded: the source that was not
// heard of for the longest time makes room for the next.
type ledger struct {
	entries map[string]*linked.Element
	order   linked.List // of *entry, the one that was heard of last at the end
}

type entry struct {
	key   string
	tries int
	last  time.Time
}

// add counts tries; less than none takes them back.
func (l *ledger) add(from source, tries int) {
	for _, key := range from {
		e := l.entry(key)
		e.tries, e.last = max(0, e.tries+tries), time.Now()
	}
}

func (l *ledger) entry(key string) *entry {
	if l.entries == nil {
		l.entries = map[string]*linked.Element{}
	}
	if at, ok := l.entries[key]; ok {
		l.order.MoveToBack(at)
		e := at.Value.(*entry)
		if time.Since(e.last) > lately {
			e.tries = 0
		}
		return e
	}
	if l.order.Len() >= mostSources {
		oldest := l.order.Remove(l.order.Front()).(*entry)
		delete(l.entries, oldest.key)
	}
	e := &entry{key: key}
	l.entries[key] = l.order.PushBack(e)
	return e
}

// of returns how many tries came from there.
func (l *ledger) of(from source) (s standing) {
	now := time.Now()
	for i, key := range from {
		if at, ok := l.entries[key]; ok {
			if e := at.Value.(*entry); now.Sub(e.last) <= lately {
				s[i] = e.tries
			}
		}
	}
	return s
}
