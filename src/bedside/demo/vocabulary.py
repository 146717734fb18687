"""Codes and words of the made hospital: laboratory tests, drugs, diagnoses, procedures, places.

LOINC codes are those of clinosim's US mapping; RxNorm codes are of the ingredient. Procedure words are ours, not those of CPT.
"""

from __future__ import annotations

from typing import NamedTuple

LOINC, RXNORM, ICD, CPT, UCUM = (
    "http://loinc.org", "http://www.nlm.nih.gov/research/umls/rxnorm", "http://hl7.org/fhir/sid/icd-10-cm",
    "http://www.ama-assn.org/go/cpt",
    "http://unitsofmeasure.org",
)  # fmt: skip
MADE = "made data, no real person"
MADE_COLUMN = "made data"


class Test(NamedTuple):
    """A laboratory test: unit in UCUM, digits after the point, reference range, panic limits."""

    loinc: str
    name: str
    unit: str
    digits: int
    low: float
    high: float
    panic_low: float = float("-inf")
    panic_high: float = float("inf")


class Sign(NamedTuple):
    loinc: str
    name: str
    unit: str


TESTS: dict[str, Test] = {
    "Creatinine": Test("2160-0", "Creatinine", "mg/dL", 2, 0.6, 1.2, panic_high=5.0),
    "Glucose": Test("2345-7", "Glucose", "mg/dL", 0, 70, 110, 45, 450),
    "K": Test("2823-3", "Potassium", "mmol/L", 1, 3.5, 5.0, 2.8, 6.2),
    "Na": Test("2951-2", "Sodium", "mmol/L", 0, 136, 145, 120, 158),
    "Cl": Test("2075-0", "Chloride", "mmol/L", 0, 98, 107),
    "HCO3": Test("1963-8", "Bicarbonate", "mmol/L", 1, 22, 28, 10, 40),
    "CRP": Test("1988-5", "C reactive protein", "mg/L", 1, 0, 5),
    "WBC": Test("6690-2", "Leukocytes", "10*3/uL", 1, 4.0, 10.5, 1.5, 30),
    "Hb": Test("718-7", "Hemoglobin", "g/dL", 1, 12.0, 16.5, 7.0, 20),
    "Hct": Test("4544-3", "Hematocrit", "%", 1, 36, 50),
    "Plt": Test("777-3", "Platelets", "10*3/uL", 0, 150, 400, 30, 1000),
    "BUN": Test("3094-0", "Urea nitrogen", "mg/dL", 1, 7, 20),
    "pH": Test("2744-1", "pH of arterial blood", "[pH]", 2, 7.35, 7.45, 7.2, 7.6),
    "pCO2": Test("2019-8", "Carbon dioxide, partial pressure", "mm[Hg]", 1, 35, 45, 20, 70),
    "pO2": Test("2703-7", "Oxygen, partial pressure", "mm[Hg]", 1, 80, 105, 45),
    "Lactate": Test("2524-7", "Lactate", "mmol/L", 1, 0.5, 2.0, panic_high=4.0),
    "AST": Test("1920-8", "Aspartate aminotransferase", "U/L", 0, 10, 40),
    "ALT": Test("1742-6", "Alanine aminotransferase", "U/L", 0, 7, 45),
    "ALP": Test("6768-6", "Alkaline phosphatase", "U/L", 0, 40, 130),
    "GGT": Test("2324-2", "Gamma glutamyl transferase", "U/L", 0, 8, 60),
    "T_Bil": Test("1975-2", "Bilirubin, total", "mg/dL", 1, 0.2, 1.2, panic_high=15),
    "Albumin": Test("1751-7", "Albumin", "g/dL", 1, 3.5, 5.0),
    "TP": Test("2885-2", "Protein, total", "g/dL", 1, 6.0, 8.3),
    "LDH": Test("2532-0", "Lactate dehydrogenase", "U/L", 0, 120, 250),
    "CK_MB": Test("13969-1", "Creatine kinase MB", "ng/mL", 1, 0, 5),
    "Troponin_I": Test("10839-9", "Troponin I", "ng/mL", 3, 0, 0.04),
    "PCT": Test("75241-0", "Procalcitonin", "ng/mL", 2, 0, 0.5),
    "BNP": Test("42637-9", "Natriuretic peptide B", "pg/mL", 0, 0, 100),
    "PT_INR": Test("6301-6", "INR", "{INR}", 1, 0.9, 1.2, panic_high=5.0),
    "APTT": Test("14979-9", "aPTT", "s", 1, 25, 36),
    "Fibrinogen": Test("3255-7", "Fibrinogen", "mg/dL", 0, 200, 400),
    "D_dimer": Test("48065-7", "D-dimer", "ug/mL", 2, 0, 0.5),
    "eGFR": Test("48642-3", "Glomerular filtration rate, estimated", "mL/min/{1.73_m2}", 0, 60, 140),
    "HbA1c": Test("4548-4", "Hemoglobin A1c", "%", 1, 4.0, 5.7),
    "Ca": Test("17861-6", "Calcium", "mg/dL", 1, 8.5, 10.4, 6.5, 13),
    "LDL": Test("13457-7", "LDL cholesterol", "mg/dL", 0, 0, 130),
    "HDL": Test("2085-9", "HDL cholesterol", "mg/dL", 0, 40, 90),
    "TG": Test("2571-8", "Triglycerides", "mg/dL", 0, 0, 150),
    "TC": Test("2093-3", "Cholesterol", "mg/dL", 0, 0, 200),
    "TSH": Test("3016-3", "Thyrotropin", "m[IU]/L", 2, 0.4, 4.5),
    "ESR": Test("4537-7", "Erythrocyte sedimentation rate", "mm/h", 0, 0, 20),
}

HEART = Sign("8867-4", "Heart rate", "/min")
BREATH = Sign("9279-1", "Respiratory rate", "/min")
SATURATION = Sign("59408-5", "Oxygen saturation by pulse oximetry", "%")
CELSIUS = Sign("8310-5", "Body temperature", "Cel")
OXYGEN = Sign("3151-8", "Inhaled oxygen flow rate", "L/min")
PRESSURE = Sign("85354-9", "Blood pressure panel", "")
SYSTOLIC = Sign("8480-6", "Systolic blood pressure", "mm[Hg]")
DIASTOLIC = Sign("8462-4", "Diastolic blood pressure", "mm[Hg]")
AWAKE = Sign("67775-7", "Level of responsiveness", "")
AWAKE_SYSTEM = "http://terminology.made.example/acvpu"
AWAKE_WORDS = {"A": "Alert", "V": "Responds to voice", "P": "Responds to pain", "U": "Unresponsive"}

DRUGS: dict[str, str] = {
    "Acetaminophen": "161", "Albuterol": "435", "Salbutamol": "435", "Ipratropium": "7213", "Tiotropium": "69120",
    "Atorvastatin": "83367",
    "Amlodipine": "17767", "Prednisone": "8640", "Methylprednisolone": "6902", "Candesartan": "214354",
    "Piperacillin/Tazobactam": "74169",
    "Ceftriaxone": "2193", "Furosemide": "4603", "Lansoprazole": "17128", "Fluticasone/Salmeterol": "284635", "Vitamin D": "11253",
    "Aspirin": "1191", "Sliding scale insulin": "5856", "Regular insulin": "253182", "Insulin glargine": "274783",
    "Alendronate": "46041",
    "Metformin": "6809", "Sodium bicarbonate": "36676", "Ciprofloxacin": "2551", "Carvedilol": "20352",
    "Potassium chloride": "8591",
    "KCl": "8591", "Donepezil": "135447", "Ticagrelor": "1116632", "Nitroglycerin": "4917", "Meropenem": "29561",
    "Azithromycin": "18631",
    "Sertraline": "36437", "Magnesium Sulfate": "6585", "Enalapril": "3827", "Bicalutamide": "83008", "Celecoxib": "140587",
    "Norepinephrine": "7512", "Escitalopram": "321988", "Dobutamine": "3616", "Tamsulosin": "77492", "Levothyroxine": "10582",
    "Enoxaparin": "67108", "Leuprorelin": "42375", "Pantoprazole": "40790", "Vancomycin": "11124", "Apixaban": "1364430",
    "Warfarin": "11289",
    "Micafungin": "325887", "Duloxetine": "72625", "Mannitol": "6628", "Metronidazole": "6922", "Cefazolin": "2180",
    "Capecitabine": "194000",
    "Mirtazapine": "15996", "Amiodarone": "703", "Diltiazem": "3443", "Digoxin": "3407", "Cefmetazole": "2182",
    "Clopidogrel": "32968",
    "Fluoxetine": "4493", "Lisinopril": "29046", "Omeprazole": "7646", "Ketorolac": "35827", "Venlafaxine": "39786",
    "Oseltamivir": "260101",
    "Labetalol": "6185", "Nicardipine": "7396", "Fentanyl": "4337", "Unfractionated Heparin": "5224", "Heparin": "5224",
    "Rivaroxaban": "1114195", "Hydromorphone": "3423", "Levetiracetam": "114477", "Lactulose": "6218", "Spironolactone": "9997",
    "Metoprolol": "6918", "Rifaximin": "35619", "Osimertinib": "1721560", "Oxaliplatin": "32592", "Leucovorin": "6313",
    "Tamoxifen": "10324",
}  # fmt: skip
PRESSORS = frozenset({"Norepinephrine", "Dobutamine"})

CHRONIC: dict[str, str] = {
    "I10": "Essential hypertension", "E78": "Disorder of lipoprotein metabolism", "E66.9": "Obesity", "E66.3": "Overweight",
    "E66.01": "Morbid obesity", "F17.210": "Nicotine dependence", "J44": "Chronic obstructive pulmonary disease",
    "I25": "Chronic ischemic heart disease",
    "E11.9": "Type 2 diabetes mellitus", "N18": "Chronic kidney disease", "M17": "Osteoarthritis of knee",
    "K21": "Gastro-esophageal reflux disease",
    "M81": "Osteoporosis", "I50": "Heart failure", "F10.20": "Alcohol dependence", "J45": "Asthma",
    "I48": "Atrial fibrillation and flutter",
    "F32": "Depressive episode", "F33": "Recurrent depressive disorder", "F00": "Dementia in Alzheimer disease",
    "N40": "Prostatic hyperplasia",
    "C61": "Malignant neoplasm of prostate", "E03": "Hypothyroidism", "C18": "Malignant neoplasm of colon",
    "F41.1": "Generalized anxiety disorder",
    "C22": "Malignant neoplasm of liver", "K74": "Fibrosis and cirrhosis of liver", "C50": "Malignant neoplasm of breast",
    "C67": "Malignant neoplasm of bladder", "C34": "Malignant neoplasm of lung", "C16": "Malignant neoplasm of stomach",
    "G20": "Parkinson disease",
    "C15": "Malignant neoplasm of esophagus",
}  # fmt: skip
COMPLICATIONS: dict[str, str] = {
    "acute_kidney_injury": "N17.9", "delirium": "R41.0", "icu_delirium": "R41.0", "postoperative_delirium": "R41.0",
    "steroid_hyperglycemia": "R73.9",
    "cardiac_arrhythmia": "I49.9", "dvt": "I82.409", "hypokalemia": "E87.6", "hyperkalemia": "E87.5", "pneumothorax": "J93.9",
    "acute_heart_failure": "I50.9", "hypoglycemia": "E16.2", "ventricular_arrhythmia": "I49.01", "pulmonary_embolism": "I26.99",
    "cardiogenic_shock": "R57.0", "bacteremia": "R78.81", "respiratory_failure": "J96.00", "gi_bleeding": "K92.2",
    "atelectasis": "J98.11",
    "atrial_fibrillation_rvr": "I48.91", "respiratory_failure_requiring_niv": "J96.00", "parapneumonic_effusion": "J91.8",
}  # fmt: skip
PROCEDURES: dict[str, str] = {
    "51702": "Bladder catheter placed", "93306": "Heart ultrasound through the chest", "36556": "Central venous line placed",
    "36620": "Arterial line placed", "92920": "Coronary balloon angioplasty", "96413": "Chemotherapy infusion",
    "43752": "Stomach tube placed",
    "27236": "Hip fracture fixed", "31500": "Emergency intubation", "47562": "Keyhole gallbladder removal",
    "27125": "Half hip replacement",
    "33208": "Two-chamber pacemaker placed", "36430": "Blood transfusion", "31622": "Bronchoscopy", "96360": "Fluid infusion",
    "61312": "Subdural blood removed", "92960": "Electrical cardioversion", "97597": "Wound debridement",
    "49000": "Abdomen explored",
    "22325": "Vertebral fracture repaired", "44970": "Keyhole appendix removal", "93000": "Electrocardiogram",
    "25607": "Wrist fracture fixed",
    "99223": "Hospital admission care", "99213": "Office visit", "99284": "Emergency visit",
}  # fmt: skip
WARDS: dict[str, str] = {"3E": "3E Surgery", "3W": "3W Orthopedics", "4E": "4E Medicine", "4W": "4W Medicine",
                         "5E": "5E Cardiology",
                         "5W": "5W Gastroenterology", "ICU": "Intensive care unit"}  # fmt: skip
DEPARTMENTS: dict[str, str] = {
    "internal_medicine": "Internal medicine", "cardiology": "Cardiology", "orthopedics": "Orthopedics",
    "gastroenterology": "Gastroenterology",
    "general_surgery": "General surgery", "primary_care": "Primary care", "oncology": "Oncology",
}  # fmt: skip
