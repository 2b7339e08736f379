package tables

// attempt is a write that was made under an Idempotency-Key.
type attempt struct {
	print   [32]byte // of the request
	token   string   // that ClickHouse knows it by
	version uint64   // of its rows; zero before there is one
	answer  any      // nil while it is unknown how it ended
}

// keys are the last attempts by key.
type keys struct {
	attempts map[string]*attempt
	order    []string // oldest first, from next on, once there are mostKeys
	next     int
}

// mostKeys is how many keys of a table are remembered: a few megabytes, and far more than
// can be in question at one moment.
const mostKeys = 10_000

func (k *keys) find(key string) *attempt {
	if key == "" {
		return nil
	}
	return k.attempts[key]
}

func (k *keys) keep(key string, a *attempt) {
	if key == "" {
		return
	}
	if k.attempts == nil {
		k.attempts = map[string]*attempt{}
	}
	if k.attempts[key] == nil {
		if len(k.order) < mostKeys {
			k.order = append(k.order, key)
		} else {
			delete(k.attempts, k.order[k.next])
			k.order[k.next] = key
			k.next = (k.next + 1) % mostKeys
		}
	}
	k.attempts[key] = a
}
