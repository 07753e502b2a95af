package api

import (
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
)

const (
	maxListed     = 200
	defaultListed = 50
)

// list answers with the items of a list, as clients see them.
func list[T, R any](c *gin.Context, from []T, show func(T) R) {
	items := make([]R, len(from))
	for i, item := range from {
		items[i] = show(item)
	}
	c.JSON(http.StatusOK, gin.H{"items": items})
}

// saved is the status of an answer to what was stored: anew, or in the place of what was there.
func saved(created bool) int {
	if created {
		return http.StatusCreated
	}
	return http.StatusOK
}

// submitted is the status of an answer to what is to be run: now, or by an earlier request with the same idempotency key.
func submitted(created bool) int {
	if created {
		return http.StatusAccepted
	}
	return http.StatusOK
}

// number reads a whole number of the query.
func number(c *gin.Context, name string, fallback, lowest, highest int) (int, error) {
	text := c.Query(name)
	if text == "" {
		return fallback, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < lowest || n > highest {
		return 0, fault.InvalidField(name, "it must be between %d and %d", lowest, highest)
	}
	return n, nil
}

// optionalID reads an id of the query, "" if it has none.
func optionalID(c *gin.Context, name string) (string, error) {
	id := c.Query(name)
	if id == "" {
		return "", nil
	}
	return id, queryID(name, id)
}
