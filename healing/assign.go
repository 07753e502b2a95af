package healing

import "math"

// assign gives each row a column of its own so that the sum of what they are worth is largest (the Hungarian method by shortest
// augmenting paths). There must be at least as many columns as rows.
func assign(worth [][]float64) []int {
	rows := len(worth)
	if rows == 0 {
		return nil
	}
	columns := len(worth[0])
	// Rows and columns count from 1; column 0 is where a search begins.
	rowPrice, columnPrice := make([]float64, rows+1), make([]float64, columns+1)
	owner, before := make([]int, columns+1), make([]int, columns+1)
	slack, done := make([]float64, columns+1), make([]bool, columns+1)
	for row := 1; row <= rows; row++ {
		for j := range slack {
			slack[j], done[j] = math.Inf(1), false
		}
		owner[0] = row
		column := 0
		for owner[column] != 0 {
			done[column] = true
			from, next, step := owner[column], 0, math.Inf(1)
			for j := 1; j <= columns; j++ {
				if done[j] {
					continue
				}
				if cost := -worth[from-1][j-1] - rowPrice[from] - columnPrice[j]; cost < slack[j] {
					slack[j], before[j] = cost, column
				}
				if slack[j] < step {
					step, next = slack[j], j
				}
			}
			for j := range done {
				if done[j] {
					rowPrice[owner[j]] += step
					columnPrice[j] -= step
				} else {
					slack[j] -= step
				}
			}
			column = next
		}
		for column != 0 {
			owner[column] = owner[before[column]]
			column = before[column]
		}
	}
	result := make([]int, rows)
	for j := 1; j <= columns; j++ {
		if owner[j] != 0 {
			result[owner[j]-1] = j - 1
		}
	}
	return result
}
