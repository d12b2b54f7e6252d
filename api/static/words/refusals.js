// Refusals of the server in French: the server writes English only.

import {currentLanguage, limitName} from "./words.js";

const RIGHTS = {edit: "modifier", view: "voir", share: "partager"};
const THINGS = {user: "compte", group: "groupe", pages: "pages", groups: "groupes", "a page": "d’une page", "a group": "d’un groupe", "a dashboard": "d’un tableau", alarms: "alarmes", dashboards: "tableaux", ticker: "Le signal", option: "Le niveau", condition: "La condition"};
const FRENCH = [
  [/^(.+) cannot be asked at (\S+): .*; log in with a password, or try again$/, (name, address) => `${name} ne répond pas (${address}) ; connectez-vous par mot de passe, ou réessayez.`],
  [/^(.+) refused the login, or sent what cannot be trusted: /, (name) => `${name} a refusé la connexion, ou a envoyé ce qui n’est pas fiable.`],
  [/^your account at (.+) has no role here: /, (name) => `Votre compte chez ${name} n’a pas de rôle ici ; demandez à un administrateur.`],
  [/^your account at (.+) is connected with another account here: (.+)$/, (name, other) => `Votre compte chez ${name} est déjà relié à un autre compte ici : ${other}.`],
  [/^there is an account '(.+)' here that (.+) does not know of; /, (name, provider) => `Il y a ici un compte « ${name} » que ${provider} ne connaît pas ; si c’est le vôtre, connectez-vous par mot de passe et reliez-le dans « Votre compte ».`],
  [/^the account (.+) is disabled; ask an admin$/, (name) => `Le compte ${name} est désactivé ; demandez à un administrateur.`],
  [/^this login was not begun in this browser, /, () => "Cette connexion n’a pas commencé dans ce navigateur, ou il y a plus de 10 min ; recommencez."],
  [/^Permission denied: cannot (edit|view|share) this page$/, (right) => `Vous ne pouvez pas ${RIGHTS[right]} cette page.`],
  [/^Permission denied: cannot change this group$/, () => "Vous ne pouvez pas modifier ce groupe."],
  [/^this needs an account with the role /, () => "Votre compte n’a pas le rôle qu’il faut pour cela."],
  [/^there is a group of that name; choose another$/, () => "Il y a déjà un groupe de ce nom ; choisissez-en un autre."],
  [/^an account has at most (\d+) (pages|groups); delete one first$/, (most, what) => `Un compte a au plus ${most} ${THINGS[what]} ; supprimez-en d’abord.`],
  [/^a page has at most (\d+) (alarms|dashboards); delete one first$/, (most, what) => `Une page a au plus ${most} ${THINGS[what]} ; supprimez-en d’abord.`],
  [/^expected version \d+, but version \d+ is there: (.+) changed the dashboard$/, (who) => `${who} a modifié le tableau entre-temps.`],
  [/^a page is shared with at most (\d+) accounts and groups/, (most) => `Une page est partagée avec au plus ${most} comptes et groupes ; partagez-la avec un groupe.`],
  [/^the name of (a page|a group|a dashboard) has 1 to (\d+) printable characters$/, (what, most) => `Le nom ${THINGS[what]} a de 1 à ${most} caractères imprimables.`],
  [/^the page (.+) is declared in a definition; change it there$/, (page) => `La page ${page} vient d’une définition ; modifiez-la là.`],
  [/^(ticker|option|condition) has at most (\d+) printable characters$/, (what, most) => `${THINGS[what]} a au plus ${most} caractères imprimables.`],
  [/^(ticker|option|condition) must not be empty$/, (what) => `${THINGS[what]} ne peut pas être vide.`],
  [/^there is no (user|group) (\S+)$/, (what, id) => `Il n’y a pas de ${THINGS[what]} ${id}.`],
  [/^no `vigie up` runs this api, /, () => "Aucun « vigie up » ne fait tourner cette api : les flux ne peuvent pas être atteints d’ici."],
  [/^no flow '(.+)' runs under this `vigie up`$/, (flow) => `Aucun flux « ${flow} » ne tourne sous ce « vigie up ».`],
  [/^no `vigie up` answers in /, () => "« vigie up » ne répond pas."],
  [/^the alarm '(.+)' has no limit in its definition: /, (alarm) => `L’alarme « ${alarm} » n’a pas de seuil dans sa définition : il vient de lignes que l’on écrit, d’une table ou d’un flux ; modifiez-le là.`],
  [/^(\S+): needs a number such as 30 or 30.5; got '(.*)'$/, (place, got) => `${limitName(place)} : il faut un nombre comme 30 ou 30,5 ; reçu « ${got} ».`],
  [/^(\S+): .* (?:is not a duration|has no unit|is not a unit of time|is written without spaces)/, (place) => `${limitName(place)} : il faut une durée comme 30s, 2min ou 1h30min.`],
  [/^expected (?:version .+|no such flow), but .*somebody else deployed/, () => "Quelqu’un d’autre a déployé entre-temps ; regardez ce qui a changé et recommencez."],
  [/^nothing came in the last (.+)$/, (span) => `Rien n’est arrivé en ${span}.`],
  [/^the source '(.+)' \((.+)\) keeps no history/, (source, kind) => `La source « ${source} » (${kind}) ne garde pas d’historique, et aucune sortie ne la garde en entier.`],
  [/^(\d+%) of the history took (\S+) s; /, (share, wait) => `${share} de l’historique a pris ${wait} s ; choisissez une période plus courte.`],
  [/^(\d+) others wait for such work; /, () => "D’autres attendent déjà une comparaison ; réessayez dans une minute."],
  [/^(\S+) is no push service that is known here; /, (address) => `${address} n’est pas un service connu ; le fichier du site l’autorise : api: {push_services: […]}`],
  [/^these are no keys of a browser; /, () => "Ce ne sont pas les clés d’un navigateur."],
  [/^(\d+) browsers are told already, /, (most) => `${most} navigateurs sont déjà notifiés, c’est le maximum.`],
  [/^you have no such browser$/, () => "Ce navigateur n’est plus notifié."],
  [/^there is no alarm /, () => "Cette alarme n’existe plus."],
  [/^there is no camera /, () => "Cette caméra n’existe plus."],
  [/^there is no event /, () => "Cet événement n’existe plus."],
  [/^there is no account /, () => "Ce compte n’existe plus."],
  [/^there is a camera '(.+)' already$/, (name) => `Il y a déjà une caméra « ${name} ».`],
  [/^there are (\d+) cameras, which is the most$/, (most) => `Il y a ${most} caméras, c’est le maximum.`],
  [/^the url must be an address such as (.+)$/, (example) => `L’adresse doit être comme ${example}`],
  [/^the url is not an address; /, () => "Ce n’est pas une adresse ; dans un nom ou un mot de passe, / ? # @ et : s’écrivent en pour-cent, ou dans une variable."],
  [/^the url holds a password in clear .*such as (\S+), .*\(now: (.+)\)$/, (example, now) => `L’adresse contient un mot de passe en clair ; écrivez ${example}, à définir là où tourne le flux et à nommer sous cameras: […] du fichier de site (à présent : ${now}).`],
  [/^addresses of cameras may not use (\S+), only (.+); /, (name, allowed) => `L’adresse d’une caméra ne peut pas utiliser ${name}, seulement ${allowed} ; le fichier de site nomme les variables sous cameras: […].`],
  [/^a \$ may stand in an url for a variable only/, () => "Dans une adresse, $ n’est permis que pour une variable ; sinon écrivez %24."],
  [/^no picture: it does not take this user and password$/, () => "Pas d’image : la caméra refuse cet utilisateur et ce mot de passe."],
  [/^no picture: nothing listens there$/, () => "Pas d’image : rien ne répond à cette adresse."],
  [/^no picture: it does not answer/, () => "Pas d’image : la caméra ne répond pas."],
  [/^no picture: it answers, but has no stream of this path$/, () => "Pas d’image : la caméra répond, mais n’a pas de flux de ce nom."],
  [/^no picture: .*leads to another address/, () => "Pas d’image : cette adresse mène à une autre, qui n’est pas suivie."],
  [/^no picture: /, () => "Pas d’image de cette adresse."],
  [/^(searching the network|taking test pictures) is off; /, () => "La recherche de caméras est désactivée ; le fichier du site l’autorise : api: {discovery: true}"],
  [/^there is no page /, () => "Vous ne voyez pas de page de ce nom."],
  [/^no flow answered in time/, () => "Aucun flux n’a répondu à temps ; il peut encore exécuter l’ordre plus tard."],
  [/^no ClickHouse is configured/, () => "Aucun ClickHouse n’est configuré ; ajoutez connections.clickhouse au fichier du site."],
  [/^no answer from ClickHouse at (\S+)/, (address) => `ClickHouse ne répond pas (${address}).`],
  [/^the broker did not confirm within (\S+) s/, (wait) => `Le courtier n’a pas confirmé en ${wait} s ; cela peut encore arriver.`],
  [/^the broker stopped answering/, () => "Le courtier ne répond plus ; réessayez."],
  [/^too many failed logins; try again in (\d+) s$/, (wait) => `Trop d’essais. Réessayez dans ${wait} s.`],
];

/** The words for the reader; what is not known here stays as the server said it. */
export function refusal(words) {
  if (currentLanguage() !== "fr") return words;
  for (const [pattern, french] of FRENCH) {
    const found = pattern.exec(words);
    if (found) return french(...found.slice(1));
  }
  return words;
}
