"""Words in the names of columns, by what they say that a column holds: English, its abbreviations, German, French, Spanish, Italian.

In        nothing
Out       `KINDS` in the order in which they are asked; a name is words in small letters without marks and with one blank between them
Source    names of columns in OMOP CDM 5.4, MIMIC-IV, eICU, Clarity, SynPUF and X12 837 extracts, CDISC SDTM, flattened FHIR
"""

from __future__ import annotations

STAFF = (
    r"provider|prescriber|physician|doctor|dr|nurse|rn|tech|technician|technologist|author|attending|ordering|clinician|staff|operator|pharmacist|verified|"
    r"signed|resident|surgeon|performed|entered|reviewed|referring|radiologist|pathologist|collector|by|pcp|consultant|anesthesiologist|therapist|user|prov|rend|rendering|"
    r"arzt|arztin|hausarzt|behandler|pfleger|medecin|infirmiere?|chirurgien|medico|enfermer[ao]|facultativo"
)
KIN = (
    r"spouse|guarantor|guardian|kin|nok|emergency|mother|father|maiden|contact|insured|subscriber|employer|alias|nickname|holder|cardholder|husband|wife|partner|caregiver|parent|next of kin|emp|"
    r"notfallkontakt|ehepartner|angehorige[rn]?|conjoint|pere|mere|madre|padre|familiar|contacto"
)
NAME = r"name|nm|nam"
# In this order; a name is words in small letters with one blank between.
KINDS: tuple[tuple[str, str], ...] = tuple(
    (kind, rf"(?:^| )(?:{words})(?: |$)")
    for kind, words in (
        ("text", r"\w*text\w*|befund\w*|notes?|comments?|narrative|remarks?|free text|impression|findings|hpi|assessment|report text|report|description of|instructions?|message|"
                 r"reason text|text|sig|details?|history text|chief complaint|complaint|summary|memo|nt|"
                 r"bemerkung(?:en)?|kommentare?|notiz(?:en)?|befund|anamnese|freitext|arztbrief|commentaires?|remarques?|compte rendu|observaciones|comentarios?|notas?|informe|motivo"),
        ("ssn", r"ssn|ss no|social security(?: (?:number|no))?|soc sec(?: \w+)?|sin|tin|national id|ss ?(?:4|num)|last ?4(?: ssn)?|ssn ?\w*|nhs(?: (?:no|number))?|steuer id|"
                r"svnr|sozialversicherungs ?(?:nr|nummer)|versicherten ?(?:nr|nummer)|nir|nss|num(?:ero)? (?:de )?secu\w*|dni|nif|curp|cpf|codice fiscale|bsn|personnummer|cpr(?: nr)?"),
        ("email", r"e ?mail(?: \w+)?|email address|eml|mail|courriel|correo(?: electronico)?|\w+email"),
        ("url", r"url|website|web(?: \w+)?|homepage|link"),
        ("ip", r"ip|ip addr(?:ess)?|mac|mac address"),
        ("phone", r"phones?\d*|telephone|tel|mobile|cell|fax|pager|(?:home|work|cell) (?:ph|no|number)|ph(?: no)?|phone number|ph \d|phn|fone|tel ?(?:nr|no|\d)|(?:home|work|cell|mobile)?phone(?:no|number| ?\d)?|"
                  r"telefon(?: ?nummer| ?nr)?|telefono|telefone|handy|mobil|movil|portable|rufnummer"),
        ("birth_date", r"\w*dob|d o b|birth ?date|birth dt|birth day|birthday|date (?:of )?birth|birth(?! (?:weight|wt|order|length|head|type|place|city|state|country|hospital))|born|yob|birth year|(?:year|month|day) (?:of )?birth|bday|bd|bdate|brth(?: (?:dt|date|yr))?|birthdate|birthdt|dateofbirth|"
                       r"geb(?:urts)? ?dat(?:um|e)?|geb|geboren(?: am)?|geburts(?:tag|jahr)|(?:date|annee) (?:de )?naissance|naissance|ddn|(?:fecha|ano|fec) (?:de )?nac\w*|nacimiento|fnac|"
                       r"data (?:di |de )?nasc\w*|nascita"),
        ("age", r"ages?|age (?:years?|yrs?|at \w+)|anchor age|alter|edad|eta|idade"),
        ("given", rf"(?:first|given|fore|middle|mid)(?: ?(?:{NAME}|init(?:ial)?))?|f name|fname|mname|\w*firstname|\w*middlename|mi|fn|fnm|f nm|vorname[n]?|rufname|prenoms?|nombres?(?: de pila)?|nome"),
        ("family", rf"(?:last|family|sur)(?: ?(?:{NAME}))|l name|lname|\w*lastname|surname|ln|lnm|l nm|nachname|familienname|zuname|geburtsname|madchenname|nom(?: (?:de )?(?:famille|naissance|usuel|jeune fille))?|"
                   r"apellidos?(?: ?(?:\d|paterno|materno))?|cognome|sobrenome|name (?:\d )?family|family\Z"),
        ("identifier", r"\w*npi|\w*dea|rx ?num|patient control (?:no|number)|pcn|dea (?:no|number)|license(?: \w+)?|licence(?: \w+)?|serial(?: \w+)?|device (?:id|serial)|udi|vin|plate|passport(?: \w+)?|"
                       r"driver s? ?license|order|account(?: (?:no|num|number|id))?|acct(?: \w+)?|accession(?: \w+)?|order (?:no|num|number|id)|claim(?: (?:no|num|number|id))?|"
                       r"lic(?: \w+)?|sn|(?:dev|device) (?:sn|ser\w*)|imei|room(?: \w+)?|bed(?: \w+)?|rm|zimmer|auth (?:no|num|number|id)|identifier (?:\d )?value|rx (?:no|num|number)|rxno|prescription (?:no|num|number|id)|specimen (?:no|num|number|id)|invoice(?: \w+)?|barcode|authorization (?:no|number)"),
        ("plan", r"member(?: ?(?:no|num|number|id))?|subscriber(?: ?(?:no|num|number|id))|policy(?: ?(?:no|num|number|id))?|beneficiary(?: ?(?:no|num|number|id))?|"
                 r"group (?:no|num|number|id)|insurance (?:no|num|number|id)|(?:gr(?:ou)?p|pol|subscr|mbr) (?:no|num|number|id)|medicare (?:no|num|number|id)|medicaid (?:no|num|number|id)|mbi|hicn?|health plan (?:no|num|number|id)|plan (?:no|num|number|id)"),
        ("subject", r"mrn|mr n?o|medical record(?: (?:no|num|number|id))?|med rec(?: \w+)?|patient (?:id|no|num|number|identifier|key|sk|mrn)|pat (?:id|no|mrn)|pt (?:id|no|mrn)|"
                    r"patid|ptid|person id|subject(?: id)?|subjid|patient|patientid|patientunitstayid|chart (?:no|num|number)|empi|bene id|desynpuf id|enrolid|pid|patnr|patnum|ptnum|usubjid|participant(?: id)?|record id|uhid|hn|"
                    r"hospital (?:no|num|number)|unit (?:no|number)|patienten? ?(?:nr|nummer|id|kennung)|pat nr|ipp|nhc|(?:num(?:ero)? )?(?:de )?historia(?: clinica)?|"
                    r"(?:no|num|numero) (?:de )?dossier|person source value"),
        ("encounter", r"encounter(?: (?:id|no|num|number|key))?|enc(?: \w+)?|visit(?: (?:id|no|num|number|occurrence id))?|csn|pat enc csn(?: id)?|hadm(?: id)?|stay id|"
                      r"admission (?:id|no|number)|episode(?: (?:id|no))?|fin(?: (?:no|num|number))?|har|icustay id|case (?:id|no|num|number)|visit (?:source value|detail id)|fall ?(?:nr|nummer|id)|aufnahme ?(?:nr|nummer|id)|sejour|num sejour|episodio"),
        ("zip", r"zip(?: ?code)?\d?|postal(?: ?code)?|post ?code|zip ?\w*(?: (?:cd|ext|\d))?|zp|plz|postleitzahl|code postal|codigo postal|cod postal|cp|postnr|postnummer|eircode|pin ?code|\w*zipcode|cap"),
        ("address", r"addr(?:ess)?(?: ?(?:line)? ?\d)?|street(?: \w+)?|residence|home addr(?:ess)?|mailing(?: \w+)?|apt|po box|line \d|ad ?\d|addr ?\w*|\w*streetaddress|strasse(?: ?nr)?|strassenname|hausnr|haus ?nummer|anschrift|adresse(?: \w+)?|adr|rue|voie|calle|direccion|"
                    r"domicilio|indirizzo|endereco|straat|adres|location source value"),
        ("county", r"county|district|borough|neighborhood|tract|census(?: \w+)?|fips|latitude|longitude|lat|lon|lng|geo(?: \w+)?|landkreis|kreis|bezirk|departement|arrondissement|ortsteil|barrio|colonia|distrito|postcode area|msa|cbsa|census tract|block group"),
        ("city", r"city|town|municipality|birth ?place|place (?:of )?birth|cty|ort|wohnort|stadt|gemeinde|geburtsort|ville|commune|lieu (?:de )?naissance|ciudad|poblacion|localidad|municipio|lugar (?:de )?nacimiento|citta|comune|cidade"),
        ("state", r"state|st|province|region|country|nation|bundesland|provincia|estado|pays|pais|paese|nationality|land"),
        ("year", r"year|yr|\w+ year|\w+ yr|anchor year|jahr|annee|ano|anno"),
        ("uid", r"uid|sop instance(?: uid)?|study instance(?: uid)?|series instance(?: uid)?|\w+ uid"),
        ("date", r"dates?|dt|dttm|dtm|datetime|date ?time|time ?stamp|timestamp|ts|\w*time|\w*date|when|at|on|collected|resulted|admitted|discharged|dispensed|ordered|"
                 r"filed|service from|service to|expires|expiration|dos|dod|deathtime|\w*datum|\w*dat|\w+ dttm|fecha(?: \w+)?|fec \w+|zeitpunkt|\w*zeit|heure|hora|\w*dt(?:m|tm|c)?"),
        ("code", r"(?:drug|test|lab|proc|brand|generic)name|code|cd|icd\d*|icd \d+(?: \w+)?|cpt(?: \d)?|hcpcs|loinc|ndc|rxcui|snomed|drg|cvx|status|flag|type|category|class|sex|gender|race|ethnicity|ethnic group|"
                 r"unit|units|uom|route|frequency|freq|form|severity|priority|department|dept|ward|service|specialty|payer|plan|language|marital(?: status)?|"
                 r"religion|modality|site|source|disposition|result flag|abnormal|interpretation|smoker|insurance|dx|diagnosis(?: code)?|drug|medication|test|"
                 r"test name|analyte|procedure|dose unit|specimen(?: type)?|formulary|tier|generic|brand|ingredient|strength|state|icu|unit type|made|gndr|gend|smk|smoking(?: \w+)?|alcohol(?: \w+)?|outcome|blood (?:type|group)|pos|tob|rev cd|modifier|\w*uom|ref(?:erence)? (?:range|low|high)|range|domain|vocabulary|standard concept|"
                 r"concept (?:name|class)|vital status|triage|acuity|allergy|reaction|organism|antibiotic|isolate|susceptibility|cause|"
                 r"(?:condition|observation|measurement|procedure|drug|device|specimen|gender|race|ethnicity|unit|route|dose unit|qualifier|modifier|discharged? to|admitted from|admitting) source value|"
                 r"\w*(?:source|type|status|flag)|geschlecht|sexe|sexo|sesso|diagnosen?|diagnostic[oa]?|medikament|wirkstoff|medicamento|einheit|unite|unidad|abteilung|fachabteilung|station|"
                 r"servicio|laborparameter|parameter|analyse|analyt|examen|prueba"),
        ("number", r"value|result|amount|qty|quantity|dose|count|cost|charge|price|paid|score|height|weight|bmi|hr|heart rate|sbp|dbp|bp|temp|temperature|spo2|resp|"
                   r"rate|los|days|days supply|refills|min|max|low|high|num|line|seq|sequence|rank|numerator|total|copay|usd|percent|duration|interval|minutes|hours|valuenum|value (?:as number|source value|num)|amt|allowed|deductible|coins\w*|"
                   r"(?:hb ?)?a ?1c|hba ?1c|length of stay|hgb|hb|wbc|rbc|plt|glucose|egfr|gfr|crp|inr|ldl|hdl|chol\w*|creat\w*|bun|sodium|potassium|pulse|systolic|diastolic|saturation|o2|cm|kg|mmhg|ml|mg|"
                   r"grosse|groesse|gewicht|poids|taille|peso|altura|talla|wert|valeur|valor|menge|quantite|cantidad|anzahl|birth (?:weight|wt|order|length)"),
        ("identifier", r"id|no|number|key|identifier|uuid|guid|sk|ref|reference|nbr"),
        ("name", rf"{NAME}|full ?name|patient ?name|display name|who|(?:pt|pat|patient|member|full|user)name|namen"),
    )
)
# A name that begins so says of whom or what; the words after it say what it holds: "patient sex", "order date", "claim amount".
OWNER = (
    r"patient|pat|pt|person|member|mbr|mem|bene|beneficiary|subscriber|subscr|enrollee|subject|visit|encounter|enc|admission|admit|adm|discharge|disch|order|claim|clm|account|acct|"
    r"policy|specimen|prescription|rx|insurance|plan|episode|stay|medicare|medicaid|note|report|comment|message|assessment|device|accession|invoice"
)
# Names of published codes, and what their values look like: these stay whatever their digits look like.
SYSTEMS: tuple[tuple[str, str], ...] = (
    (r"\w+ concept id|concept id(?: \d)?|item ?id|concept code", r"(?=.*\d)[\w.-]{1,12}"),
    (r"(?:domain|vocabulary|concept class|relationship) id", r"[A-Za-z][\w ./+-]{0,30}"),
    (r"ndc(?: (?:code|cd|number|no|11|10|id))?|product service id|drug source value", r"\d{9,11}|\d{4,5}-\d{3,4}-\d{1,2}"),
    (r"(?:icd|icd ?(?:9|10)|dx|diag|diagnosis|icd ?\d+ ?(?:cm|gm)|diagnose)(?: \w{1,4}){0,3}", r"[A-Z]\d[0-9A-Z](?:\.?[0-9A-Z]{1,4})?[*+!]?|\d{3}(?:\.?\d{1,2})?|[VE]\d{2,3}\.?\d{0,2}"),
    (r"(?:cpt|hcpcs|procedure|proc|px)(?: \w{1,4}){0,2}", r"\d{4,5}[A-Z]?|[A-Z]\d{4}|[0-9A-HJ-NP-Z]{7}|\d{2}\.\d{1,2}"),
    (r"ops(?: \w{1,4})?|ccam", r"\d-\d{2,3}[0-9a-z]?(?:\.[0-9a-z]{1,2})?|[A-Z]{4}\d{3}"),
    (r"loinc(?: \w{1,4})?", r"(?:LP|LA)?\d{1,7}-\d"),
    (r"(?:rx ?cui|rxnorm)(?: \w{1,4})?", r"\d{1,8}"),
    (r"(?:snomed|sct|sctid)(?: \w{1,4}){0,2}", r"\d{6,18}"),
    (r"atc(?: \w{1,4})?", r"[A-Z](?:\d{2}(?:[A-Z]{1,2}(?:\d{2})?)?)?"),
    (r"gpi(?: \w{1,4})?", r"\d{2,14}"),
    (r"(?:ms |apr )?drg(?: \w{1,4})?|cvx(?: \w{1,4})?|rev(?:enue)? (?:code|cd)|(?:place of service|pos)(?: (?:code|cd))?|(?:type of bill|tob)(?: cd)?", r"\d{1,4}[A-Z]?"),
    (r"(?:provider )?taxonomy(?: (?:code|cd))?", r"\d{3}[A-Z0-9]{6}X"),
)
FACILITY = (
    r"(?:(?:performing|resulting|reference|perform|perf) (?:lab|laboratory|site|org)|"
    r"(?:care site|hospital|facility|clinic|practice|pharmacy|school|org|organi[sz]ation|institution|krankenhaus|klinik|hopital|etablissement|centro)"
    r"(?: (?:name|nm|nam|desc|description|source value))?)\Z"
)
# Columns whose words are of a trade or another language, and no list of ours has them all.
TRADE = r"(?:^| )(?:servicio|fachabteilung|abteilung|drug|medication|medikament|medicamento|wirkstoff|brand|generic|laborparameter|organism|antibiotic|payer|(?:drug|brand|generic)name)(?: |$)"
