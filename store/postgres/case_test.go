package postgres_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/store"
)

func testCasesAreSavedAndReplaced(t *testing.T, f *fixture) {
	f.migrated(t)
	const text = `{"title": "Logging in",  "steps": [], "unknown": "\u0000 and \ud800"}`
	c := store.TestCase{ID: "login", Title: "Logging in", Definition: json.RawMessage(text)}
	created, err := f.SaveCase(t.Context(), c)
	require.NoError(t, err)
	require.True(t, created)

	saved, err := f.Case(t.Context(), "login")
	require.NoError(t, err)
	require.Equal(t, "Logging in", saved.Title)
	require.Equal(t, text, string(saved.Definition), "to the letter") //nolint:testifylint // spaces count
	require.Equal(t, saved.CreatedAt, saved.UpdatedAt)

	c.Title, c.Definition = "Signing in", json.RawMessage(`{"steps":[1]}`)
	created, err = f.SaveCase(t.Context(), c)
	require.NoError(t, err)
	require.False(t, created)
	replaced, err := f.Case(t.Context(), "login")
	require.NoError(t, err)
	require.Equal(t, "Signing in", replaced.Title)
	require.JSONEq(t, `{"steps":[1]}`, string(replaced.Definition))
	require.Equal(t, saved.CreatedAt, replaced.CreatedAt)
	require.True(t, replaced.UpdatedAt.After(saved.UpdatedAt))
}

func testCasesAreListedInPages(t *testing.T, f *fixture) {
	f.migrated(t)
	for i := range 5 {
		_, err := f.SaveCase(t.Context(), store.TestCase{ID: fmt.Sprintf("case-%d", 4-i), Title: "T", Definition: json.RawMessage(`{}`)})
		require.NoError(t, err)
	}
	var ids []string
	for after := ""; ; {
		page, err := f.Cases(t.Context(), after, 2)
		require.NoError(t, err)
		if len(page) == 0 {
			break
		}
		require.LessOrEqual(t, len(page), 2)
		for _, c := range page {
			ids = append(ids, c.ID)
			require.Equal(t, "T", c.Title)
			require.False(t, c.CreatedAt.IsZero())
			require.Nil(t, c.Definition)
		}
		after = page[len(page)-1].ID
	}
	require.Equal(t, []string{"case-0", "case-1", "case-2", "case-3", "case-4"}, ids)
}
