package e2e_test

import (
	"iter"

	commonpb "go.temporal.io/api/common/v1"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// payloadsIn yields the payloads in a message, however deep.
func payloadsIn(m protoreflect.Message) iter.Seq[*commonpb.Payload] {
	return func(yield func(*commonpb.Payload) bool) { visitPayloads(m, yield) }
}

func visitPayloads(m protoreflect.Message, yield func(*commonpb.Payload) bool) bool {
	if p, ok := m.Interface().(*commonpb.Payload); ok {
		return yield(p)
	}
	goOn := true
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case field.IsMap() && field.MapValue().Kind() == protoreflect.MessageKind:
			v.Map().Range(func(_ protoreflect.MapKey, inner protoreflect.Value) bool {
				goOn = visitPayloads(inner.Message(), yield)
				return goOn
			})
		case field.IsList() && field.Kind() == protoreflect.MessageKind:
			for i := 0; i < v.List().Len() && goOn; i++ {
				goOn = visitPayloads(v.List().Get(i).Message(), yield)
			}
		case !field.IsMap() && !field.IsList() && field.Kind() == protoreflect.MessageKind:
			goOn = visitPayloads(v.Message(), yield)
		}
		return goOn
	})
	return goOn
}
