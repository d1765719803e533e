package gateway

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"
)

// AgentOptions say what the gateway has to know about an agent.
type AgentOptions struct {
	// View is the agent's view, Homes its other directories (home, configuration,
	// temporary files). They are taken out of the texts that a scripted model sees and
	// is billed for: View becomes ".", the others "~".
	View  string
	Homes []string
	// OwnRequests: requests without tools are the agent's own and no errands of its
	// client. For programs that use the API without tools.
	OwnRequests bool
}

// Account is an agent's access to the gateway.
type Account struct {
	Key     string // worth nothing elsewhere; good only below BaseURL's path
	BaseURL string // http://127.0.0.1:PORT/a/<agent>
}

type account struct {
	agent   string
	digest  [sha256.Size]byte // of the key
	neutral *neutral
	options AgentOptions
	memory  memory

	mu      sync.Mutex
	at      Attribution
	seen    map[[32]byte]bool // fingerprints of inferences under at
	ordinal int64
	open    int
	held    int64 // bytes of the bodies of open requests
	active  time.Time
}

// Names are path segments and parts of ids.
var agentName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// Register opens an account with a random key. A name can be registered once.
func (g *Gateway) Register(agent string, o AgentOptions) (Account, error) {
	if !agentName.MatchString(agent) {
		return Account{}, fmt.Errorf("gateway: agent %q: a name starts with a letter or digit and has letters, digits, '.', '_' and '-' only", agent)
	}
	secret := make([]byte, 32)
	rand.Read(secret) // never fails: it ends the program instead
	key := "st-" + base64.RawURLEncoding.EncodeToString(secret)
	a := &account{
		agent: agent, digest: sha256.Sum256([]byte(key)), options: o,
		neutral: newNeutral(o.View, o.Homes),
		seen:    map[[32]byte]bool{},
		active:  g.options.Now(),
	}
	for _, r := range g.options.Earlier {
		if r.Agent == agent {
			a.ordinal++
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.accounts[agent] != nil {
		return Account{}, fmt.Errorf("gateway: agent %q is registered already", agent)
	}
	g.accounts[agent] = a
	return Account{Key: key, BaseURL: "http://" + g.listeners[0].Addr().String() + "/a/" + agent}, nil
}

func (g *Gateway) account(agent string) *account {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.accounts[agent]
}

// SetTurn attributes the agent's requests to at from now on. A request that has arrived
// before keeps what was set then.
func (g *Gateway) SetTurn(agent string, at Attribution) {
	if a := g.account(agent); a != nil {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.at != at {
			a.at, a.seen = at, map[[32]byte]bool{}
		}
	}
}

// Busy is the number of the agent's requests that are being answered.
func (g *Gateway) Busy(agent string) int {
	a := g.account(agent)
	if a == nil {
		return 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.open
}

// Activity is when the agent's account was last used: a request came in, bytes of a
// response went out, or the agent was registered. Zero for an unknown agent.
func (g *Gateway) Activity(agent string) time.Time {
	a := g.account(agent)
	if a == nil {
		return time.Time{}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.active
}

func (a *account) touch(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.active = now
}

// enter counts a request in, unless most are open already. The caller owes leave.
func (a *account) enter(now time.Time, most int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.active = now
	if a.open >= most {
		return false
	}
	a.open++
	return true
}

func (a *account) leave(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.active = now
	a.open--
}

// hold counts n more bytes of bodies in, unless they would be more than most.
func (a *account) hold(n, most int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.held+n > most {
		return false
	}
	a.held += n
	return true
}

// attribution is what a request that arrives now belongs to.
func (a *account) attribution() Attribution {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.at
}

// number gives an inference its ordinal, and tells whether the same one was there before
// under the same attribution. A request that was overtaken by a new one is no retry.
func (a *account) number(at Attribution, print [32]byte) (ordinal int64, again bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ordinal++
	if a.at == at {
		again = a.seen[print]
		a.seen[print] = true
	}
	return a.ordinal, again
}

// admits checks the credentials of a request: at least one, and every one this agent's.
func (a *account) admits(r *http.Request) error {
	keys := r.Header.Values("X-Api-Key")
	for _, h := range r.Header.Values("Authorization") {
		scheme, key, _ := strings.Cut(h, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return errors.New("the authorization is no bearer token")
		}
		keys = append(keys, strings.TrimSpace(key))
	}
	if len(keys) == 0 {
		return errNoKey
	}
	for _, key := range keys {
		digest := sha256.Sum256([]byte(key))
		if a == nil || subtle.ConstantTimeCompare(digest[:], a.digest[:]) != 1 {
			return errors.New("the key is not the one of the agent in the path")
		}
	}
	if claim := r.Header.Get("X-Sandtable-Agent"); claim != "" && claim != a.agent {
		return errors.New("the X-Sandtable-Agent header names another agent than the path")
	}
	return nil
}

var errNoKey = errors.New("there is no key: set ANTHROPIC_AUTH_TOKEN or ANTHROPIC_API_KEY to the agent's")
