//! What `check` and `discover` say, and what they refuse.

use crate::support::{Pair, do_on, majors, walferry, walferry_with, write_private};

use super::{SALT, config, config_with};

const TABLES: &str = "CREATE TABLE users (id int PRIMARY KEY, email text, ssn text, phone text,
         domain text GENERATED ALWAYS AS (upper(email)) STORED);
     CREATE TABLE orders (number text PRIMARY KEY, email text);";

#[tokio::test]
async fn check_and_discover_say_what_is_protected_and_refuse_keys_that_tell_no_rows_apart() {
    let pair = Pair::start(majors().await[0]).await;
    do_on(&pair.on_source().await, TABLES).await;
    let keys = "exclude_columns = ['public.users.ssn', 'public.users.sssn']\n\
         mask_columns = ['*.*.phone = x']\nhash_columns = ['*.*.email']";
    let fine = config(&pair, "fine.toml", keys);
    let says = [
        "hashed: email; masked: phone; left out: ssn, domain",
        "exclude_columns \"public.users.sssn\" matches",
        "The generated column domain is left out",
    ];
    walferry(&fine, &["check"]).await.ended(0, &says);
    let says = ["hashed: email; masked: phone; left out: ssn, domain"];
    walferry(&fine, &["discover"]).await.ended(0, &says);
    let json = walferry(&fine, &["discover", "--json"]).await;
    json.ended(0, &["\"hashed: email\"", "\"left out: ssn, domain\""]);
    for (keys, word) in [
        ("exclude_columns = ['public.orders.number']", "left out"),
        ("mask_columns = ['public.orders.number = x']", "masked"),
    ] {
        let config = config(&pair, "key.toml", keys);
        let says = format!("The key column number is {word}, so that rows cannot be told apart");
        for verb in ["check", "run"] {
            let code = if verb == "check" { 3 } else { 4 };
            walferry(&config, &[verb]).await.ended(code, &[&says]);
        }
    }
    let key = config(
        &pair,
        "hashed_key.toml",
        "hash_columns = ['*.orders.number']",
    );
    walferry(&key, &["check"])
        .await
        .ended(0, &["hashed: number"]);
}

#[tokio::test]
async fn a_salt_that_is_missing_short_or_open_to_others_is_refused() {
    let pair = Pair::start(majors().await[0]).await;
    do_on(&pair.on_source().await, TABLES).await;
    let hash = "hash_columns = ['*.*.email']";
    let short = config_with(&pair, "short.toml", "fifteen letters", hash);
    let says = ["hash_salt", "less than 16 bytes"];
    walferry(&short, &["check"]).await.ended(3, &says);
    let none = pair.write_config("none.toml", &format!("[tables]\n{hash}\n"));
    let says = ["tables.hash_salt is missing, and hash_columns needs it"];
    walferry(&none, &["check"]).await.ended(2, &says);
    walferry_with(&none, &["check"], &[("WALFERRY__TABLES__HASH_SALT", SALT)])
        .await
        .ended(0, &["hashed: email"]);
    let printed = write_private(pair.directory().join("printed"), SALT);
    let command = format!(
        "[tables]\n{hash}\nhash_salt_command = ['cat', '{}']\n",
        printed.display()
    );
    let command = pair.write_config("command.toml", &command);
    walferry(&command, &["check"])
        .await
        .ended(0, &["hashed: email"]);
    let bad = config(
        &pair,
        "bad.toml",
        "mask_columns = ['public.users', 'a.b.c.d']",
    );
    let says = [
        "has the pattern \"public.users\"",
        "has the pattern \"a.b.c.d\"",
    ];
    walferry(&bad, &["check"]).await.ended(2, &says);
}
