package payload

import (
	"context"
	"errors"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
)

// Converter makes values into payloads that the codec has sealed, and back.
func Converter(c *Codec) converter.DataConverter {
	return &dataConverter{converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), c)}
}

// FailureConverter makes errors into failures whose messages and stacks the
// codec has sealed, if it seals.
func FailureConverter(c *Codec) converter.FailureConverter {
	return temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{
		DataConverter: Converter(c), EncodeCommonAttributes: c.Seals(),
	})
}

// dataConverter knows when it works for workflow code.
type dataConverter struct {
	converter.DataConverter
}

// WithContext implements converter.ContextAware.
func (d *dataConverter) WithContext(context.Context) converter.DataConverter { return d }

// WithWorkflowContext implements converter.ContextAware.
func (d *dataConverter) WithWorkflowContext(converter.WorkflowContext) converter.DataConverter {
	return &workflowConverter{d.DataConverter}
}

// workflowConverter panics where a key is missing. An error would end the
// workflow for good, and none that another worker could carry on should end
// because one worker was given the wrong keys; a panic only ends the task, which
// the server repeats.
type workflowConverter struct {
	converter.DataConverter
}

// FromPayload implements converter.DataConverter.
func (w *workflowConverter) FromPayload(payload *commonpb.Payload, valuePtr any) error {
	return endTask(w.DataConverter.FromPayload(payload, valuePtr))
}

// FromPayloads implements converter.DataConverter.
func (w *workflowConverter) FromPayloads(payloads *commonpb.Payloads, valuePtrs ...any) error {
	return endTask(w.DataConverter.FromPayloads(payloads, valuePtrs...))
}

func endTask(err error) error {
	if errors.Is(err, ErrNoKey) || errors.Is(err, ErrSealed) {
		panic(err)
	}
	return err
}
