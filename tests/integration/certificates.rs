//! The message about a certificate that a client does not trust.

use alm_key_operator::http::client;
use alm_key_operator::http::egress::Route;
use alm_key_operator::http::network::Network;
use reqwest::Method;

use testkit::bed::WAIT_LIMIT;
use testkit::bed::simulator::Simulator;

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_reported_with_the_remedy() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().expect("a folder");
    let simulator = Simulator::start(folder.path());
    let client = client::build_client(Network::Any, &Route::DIRECT, None, WAIT_LIMIT).expect("a client");
    let request = client.request(Method::GET, simulator.url("admin").parse().expect("a URL"));

    let error = client.send(request).await.err().expect("the authority is not trusted");

    assert_eq!(
        error.message,
        "could not connect: the certificate of the server is from an authority that is not trusted; if that is one of \
         yours, name it in caBundle or caBundleRef of the ALMTenant"
    );
}
