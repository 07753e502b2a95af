package testsite

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	featured       = 4
	storiesPerPage = 6
	storyDelay     = 150 * time.Millisecond
)

func (v *visit) home() {
	products := v.site.catalogue.products
	v.render(http.StatusOK, "home", products[:min(featured, len(products))])
}

func (v *visit) joinClub() {
	if !v.form() {
		return
	}
	email := v.field("email")
	if !validEmail(email) {
		v.json(http.StatusUnprocessableEntity, message{Message: "Enter an email address like name@example.com."})
		return
	}
	v.json(http.StatusOK, message{Message: "Welcome to the club, " + email + "!"})
}

// A message is the answer to a script that shows it to the customer.
type message struct {
	Message string `json:"message"`
	Count   int    `json:"count"`
}

func (v *visit) search() search {
	q := v.r.URL.Query()
	return search{Query: q.Get("q"), Region: q.Get("region"), Sort: q.Get("sort")}
}

// showCatalogue answers with the page around the results; they follow in searchResults.
func (v *visit) showCatalogue() { v.render(http.StatusOK, "catalogue", v.search()) }

func (v *visit) searchResults() {
	s := v.search()
	if !v.wait(searchDelay(s)) {
		return
	}
	v.fragment("results", v.site.catalogue.search(s))
}

// searchDelay is between 200 and 500 ms, always the same for the same search.
func searchDelay(s search) time.Duration {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s.Query + "\x00" + s.Region + "\x00" + s.Sort))
	return time.Duration(200+h.Sum32()%301) * time.Millisecond
}

// A productPage is what the template of a product shows.
type productPage struct {
	product
	Variants []variant
	Related  []product
}

func (v *visit) product() (product, bool) {
	p, ok := v.site.catalogue.find(v.r.PathValue("slug"))
	if !ok {
		v.notFound()
	}
	return p, ok
}

func (v *visit) showProduct() {
	p, ok := v.product()
	if !ok {
		return
	}
	related := v.site.catalogue.search(search{Region: p.Region})
	related = slices.DeleteFunc(related, func(r product) bool { return r.Slug == p.Slug })
	v.render(http.StatusOK, "product", productPage{
		product: p, Variants: variants(), Related: related[:min(featured, len(related))],
	})
}

// A reviewsPage is the document in the frame of a product page.
type reviewsPage struct {
	Product product
	Reviews []review
	Voted   []bool // by review
}

func (v *visit) showReviews() {
	p, ok := v.product()
	if !ok {
		return
	}
	page := reviewsPage{Product: p, Reviews: slices.Clone(v.site.catalogue.reviews)}
	votes := v.site.sessions.snapshot(v.session).votes
	for i := range page.Reviews {
		voted := slices.Contains(votes, voteID(p, i))
		if voted {
			page.Reviews[i].Helpful++
		}
		page.Voted = append(page.Voted, voted)
	}
	v.execute(http.StatusOK, "reviews", "document", page)
}

// markHelpful counts a browser's vote for a review once.
func (v *visit) markHelpful() {
	p, ok := v.product()
	if !ok {
		return
	}
	n, err := strconv.Atoi(v.r.PathValue("n"))
	if err != nil || n < 0 || n >= len(v.site.catalogue.reviews) {
		v.notFound()
		return
	}
	v.site.sessions.update(v.session, func(st *state) {
		if id := voteID(p, n); !slices.Contains(st.votes, id) {
			st.votes = append(st.votes, id)
		}
	})
	v.json(http.StatusOK, message{
		Message: "Thank you for your vote.", Count: v.site.catalogue.reviews[n].Helpful + 1,
	})
}

func voteID(p product, review int) string { return fmt.Sprintf("%s/%d", p.Slug, review) }

// A journalPage is one portion of the stories.
type journalPage struct {
	Stories []story
	Next    int // number of the following portion, 0 after the last
}

func (v *visit) journal(page int) journalPage {
	all := v.site.catalogue.stories
	from := min((page-1)*storiesPerPage, len(all))
	to := min(from+storiesPerPage, len(all))
	portion := journalPage{Stories: all[from:to]}
	if to < len(all) {
		portion.Next = page + 1
	}
	return portion
}

func (v *visit) showJournal() { v.render(http.StatusOK, "journal", v.journal(1)) }

func (v *visit) moreStories() {
	page, err := strconv.Atoi(v.r.URL.Query().Get("page"))
	if err != nil || page < 1 || page > len(v.site.catalogue.stories) {
		v.notFound()
		return
	}
	if v.wait(storyDelay) {
		v.fragment("stories", v.journal(page))
	}
}

// productImage draws the jar of a product.
func (s *site) productImage(w http.ResponseWriter, r *http.Request) {
	slug, isSVG := strings.CutSuffix(r.PathValue("file"), ".svg")
	p, ok := s.catalogue.find(slug)
	if !ok || !isSVG {
		http.NotFound(w, r)
		return
	}
	var image bytes.Buffer
	if err := s.jar.Execute(&image, p); err != nil {
		http.Error(w, "drawing the jar: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("Cache-Control", "public, max-age=3600")
	_, _ = w.Write(image.Bytes())
}

func loadJar() *template.Template {
	return template.Must(template.ParseFS(designFiles, "shared/jar.svg"))
}
