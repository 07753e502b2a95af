package pwgo_test

import (
	"github.com/cinnamon-qa/cinnamon/egress"
)

// guard makes an egress guard of rules that are valid.
func guard(rules ...string) *egress.Guard {
	policy, err := egress.NewPolicy(egress.Public, rules)
	if err != nil {
		panic(err)
	}
	return egress.NewGuard(policy, nil)
}
