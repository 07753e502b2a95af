package bullmq

import "encoding/binary"

// packed writes MessagePack, as far as the scripts read it: one argument then holds a whole change, which costs Redis a
// fraction of what so many arguments would.
type packed []byte

func (p *packed) array(n int) {
	switch {
	case n < 1<<4:
		*p = append(*p, 0x90|byte(n)) //nolint:gosec // less than 16
	default:
		*p = binary.BigEndian.AppendUint16(append(*p, 0xdc), uint16(n)) //nolint:gosec // a change has some dozens of fields
	}
}

func (p *packed) text(s string) {
	switch n := len(s); {
	case n < 1<<5:
		*p = append(*p, 0xa0|byte(n))
	case n < 1<<8:
		*p = append(*p, 0xd9, byte(n))
	case n < 1<<16:
		*p = binary.BigEndian.AppendUint16(append(*p, 0xda), uint16(n))
	default:
		*p = binary.BigEndian.AppendUint32(append(*p, 0xdb), uint32(n)) //nolint:gosec // Redis takes no text of 4 GB
	}
	*p = append(*p, s...)
}

// number writes an integer, which is exact in Lua up to 2^53.
func (p *packed) number(n int64) {
	if n >= 0 && n < 1<<7 {
		*p = append(*p, byte(n))
		return
	}
	*p = binary.BigEndian.AppendUint64(append(*p, 0xd3), uint64(n)) //nolint:gosec // its bits, sign included
}

func (p *packed) flag(on bool) {
	if on {
		*p = append(*p, 0xc3)
	} else {
		*p = append(*p, 0xc2)
	}
}

// fields writes names and values, one after the other.
func (p *packed) fields(list []field) {
	p.array(2 * len(list))
	for _, f := range list {
		p.text(f.name)
		p.text(f.value)
	}
}

// packedFields writes them as a text that holds them packed.
func (p *packed) packedFields(list []field) {
	size := 0
	for _, f := range list {
		size += len(f.name) + len(f.value) + 8
	}
	inner := make(packed, 0, size+4)
	inner.fields(list)
	p.text(string(inner))
}
