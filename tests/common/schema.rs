//! Whether JSON is as a JSON schema says, for the keywords that our schema uses. A keyword that is not known here makes
//! the test fail: what nobody checks must not stand in a schema.

use serde_json::Value;

/// What is said of a schema, and says nothing of the JSON.
const REMARKS: [&str; 5] = ["$schema", "$id", "$defs", "title", "description"];

/// What is wrong with `value`, each with its place; nothing if all is right.
pub fn errors(schema: &Value, value: &Value) -> Vec<String> {
    let mut errors = Vec::new();
    Check { root: schema, errors: &mut errors }.check(schema, value, "");
    errors
}

struct Check<'a> {
    root: &'a Value,
    errors: &'a mut Vec<String>,
}

impl Check<'_> {
    fn check(&mut self, schema: &Value, value: &Value, place: &str) {
        for (keyword, wanted) in schema.as_object().expect("a schema is an object") {
            let is_right = match keyword.as_str() {
                remark if REMARKS.contains(&remark) => true,
                "$ref" => {
                    let path = wanted.as_str().and_then(|path| path.strip_prefix('#')).expect("a place in the schema");
                    let definition = self.root.pointer(path).expect("a definition");
                    self.check(definition, value, place);
                    true
                }
                "type" => types(wanted).any(|name| is_of_type(name, value)),
                "enum" => wanted.as_array().expect("a list").contains(value),
                "minimum" => value.as_f64().is_none_or(|number| number >= wanted.as_f64().expect("a number")),
                "minItems" => length(value).is_none_or(|length| length >= wanted.as_u64().expect("a number")),
                "maxItems" => length(value).is_none_or(|length| length <= wanted.as_u64().expect("a number")),
                "items" => {
                    for (number, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(wanted, item, &format!("{place}/{number}"));
                    }
                    true
                }
                "properties" => {
                    for (name, schema) in wanted.as_object().expect("properties") {
                        if let Some(value) = value.get(name) {
                            self.check(schema, value, &format!("{place}/{name}"));
                        }
                    }
                    true
                }
                "required" => {
                    let names = wanted.as_array().expect("a list").iter().filter_map(Value::as_str);
                    value.is_object() && names.into_iter().all(|name| value.get(name).is_some())
                }
                "additionalProperties" => {
                    assert_eq!(wanted, &Value::Bool(false), "nothing else is known here");
                    let known = schema["properties"].as_object().expect("properties");
                    value.as_object().is_none_or(|object| object.keys().all(|key| known.contains_key(key)))
                }
                other => panic!("the schema has {other}, which nobody checks"),
            };
            if !is_right {
                self.errors.push(format!("{place}: {keyword} {wanted}, and there is {value}"));
            }
        }
    }
}

fn types(wanted: &Value) -> impl Iterator<Item = &str> {
    let one = wanted.as_str();
    one.into_iter().chain(wanted.as_array().into_iter().flatten().filter_map(Value::as_str))
}

fn is_of_type(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("the type {other} is not known"),
    }
}

fn length(value: &Value) -> Option<u64> {
    value.as_array().map(|items| items.len() as u64)
}
