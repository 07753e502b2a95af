package healing

import "strings"

// Words of interfaces that mean the same, by hand: a group a line, the first one stands for all. Words that mean the same only somewhere
// (home and start, more and details) are left out or kept apart: a false friend costs more than a missed one. Some have their most
// frequent translations, because interfaces get translated.
const synonymGroups = `
signin login logon anmelden einloggen connexion acceder entrar
signout logout logoff abmelden ausloggen deconnexion déconnexion
signup register registration enroll enrol registrieren inscription
search find suche suchen buscar rechercher recherche query
cart basket bag trolley warenkorb panier carrito
checkout kasse
buy purchase kaufen acheter comprar orders
add plus new create hinzufügen ajouter añadir
delete remove trash clean clear löschen entfernen supprimer eliminar
edit modify change bearbeiten modifier editar
save speichern enregistrer guardar
cancel abort abbrechen annuler cancelar
close hide dismiss schließen ausblenden fermer cerrar
submit send absenden senden envoyer enviar
next forward weiter suivant siguiente
previous prev back zurück précédent anterior
account konto compte cuenta
profile profil perfil
setting preference option einstellungen paramètres ajustes
help support hilfe aide ayuda faq
contact kontakt contacto
home homepage startseite accueil inicio logo
email mail mailadresse correo
password passwd pwd passcode passwort kennwort contraseña
username user benutzername utilisateur usuario
phone telephone tel mobile telefon téléphone teléfono
address adresse dirección
city town stadt ort ville ciudad
postcode zip zipcode postalcode plz postleitzahl
street straße strasse rue calle
surname lastname familyname nachname
forename firstname givenname vorname
download herunterladen télécharger descargar
upload hochladen
filter refine filtern filtrer
sort sorting sortieren trier ordenar
about über
news noticia nachrichten
job career karriere
shop store
language lang locale sprache langue idioma
country region land
location locator
privacy datenschutz
term condition agb
apply anwenden appliquer aplicar
continue proceed fortfahren continuer continuar
confirm ok bestätigen confirmer
yes ja oui
no nein non
share teilen partager compartir
favorite favourite wishlist merkliste
image img picture pic photo bild
button btn
menu nav navigation
link lnk
message msg nachricht
number num nr
quantity qty menge quantité cantidad
price preis prix precio
category kategorie
retry rerun repeat again wiederholen
all alle tous todo
show view display open anzeigen afficher
advertising ads advertise werbung
company corporate unternehmen
customer client kunde
`

// Two words that are one.
const wordPairs = `
sign in signin
log in signin
log on signin
sign out signout
log out signout
log off signout
sign up signup
check out checkout
e mail email
user name username
pass word password
home page home
wish list favorite
drop down dropdown
zip code postcode
post code postcode
postal code postcode
last name surname
family name surname
first name forename
given name forename
`

//nolint:gochecknoglobals // tables that are only read
var (
	synonyms = readSynonyms()
	pairs    = readPairs()

	// Words that say little.
	filler = map[string]bool{
		"an": true, "and": true, "the": true, "of": true, "to": true, "in": true, "on": true, "for": true, "by": true, "at": true, "or": true, "is": true,
		"our": true, "your": true, "my": true, "me": true, "with": true, "from": true, "der": true, "die": true, "das": true, "und": true, "de": true, "la": true, "le": true,
	}

	// Words that identifiers run together with others.
	glued = []string{"button", "search", "login", "submit", "header", "footer", "password", "email", "input", "field", "menu", "link", "logo", "cart", "icon", "form", "text"}
)

func readSynonyms() map[string]string {
	table := map[string]string{}
	for group := range strings.Lines(synonymGroups) {
		words := strings.Fields(group)
		for _, word := range words[min(1, len(words)):] {
			table[singular(word)] = singular(words[0])
		}
	}
	return table
}

func readPairs() map[[2]string]string {
	table := map[[2]string]string{}
	for line := range strings.Lines(wordPairs) {
		if f := strings.Fields(line); len(f) == 3 {
			table[[2]string{f[0], f[1]}] = f[2]
		}
	}
	return table
}
