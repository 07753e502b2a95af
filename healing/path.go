package healing

import "strings"

// step is one step of an xpath: the tag, and which of the siblings with that tag, from 1.
type step struct {
	tag   string
	index int
}

// maxSteps is how deep a path is compared; of a deeper one the end counts.
const maxSteps = 64

// parsePath reads "/html[1]/body[1]/div[2]" or the part of an id path after its first step.
func parsePath(path string) []step {
	steps := make([]step, 0, min(strings.Count(path, "/")+1, maxSteps))
	for part := range strings.SplitSeq(path, "/") {
		if part == "" {
			continue
		}
		tag, rest, _ := strings.Cut(part, "[")
		index := 0
		for _, r := range rest {
			if r < '0' || r > '9' || index > MaxPixel {
				break
			}
			index = index*10 + int(r-'0')
		}
		if len(steps) == maxSteps {
			copy(steps, steps[1:])
			steps = steps[:maxSteps-1]
		}
		steps = append(steps, step{tag: strings.ToLower(tag), index: max(index, 1)})
	}
	return steps
}

// splitIDPath returns the id that an id path begins with and the path below it.
func splitIDPath(path string) (id, below string) {
	rest, ok := strings.CutPrefix(path, "//*[@id=")
	if !ok || rest == "" {
		return "", ""
	}
	quote := rest[:1]
	end := strings.Index(rest[1:], quote+"]")
	if end < 0 {
		return "", ""
	}
	return rest[1 : 1+end], rest[end+3:]
}

// parentPath is the path of the element around, "" for the root.
func parentPath(path string) string {
	return path[:max(0, strings.LastIndexByte(path, '/'))]
}

func commonStart(a, b []step) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func commonEnd(a, b []step) int {
	n := 0
	for n < len(a) && n < len(b) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	return n
}

// tagMasks says for each tag at which steps of a path it stands.
func tagMasks(steps []step) map[string]uint64 {
	masks := make(map[string]uint64, len(steps))
	for i, s := range steps {
		masks[s.tag] |= 1 << i
	}
	return masks
}

// commonTags is the length of the longest common subsequence of the tags of a path with those of the path whose masks are given,
// column by column of the usual table, 64 rows at a time (Hyyrö 2004).
func commonTags(masks map[int32]uint64, length int, tags []int32) int {
	v := ^uint64(0)
	for _, tag := range tags {
		u := v & masks[tag]
		v = (v + u) | (v - u)
	}
	n := 0
	for i := range length {
		if v&(1<<i) == 0 {
			n++
		}
	}
	return n
}
