#!/usr/bin/perl

# Media by URL for a provider that takes none: fetched through one guard, put in
# the URL's place, and an error of the client's dialect where that cannot be.

use strict;
use warnings;
use Client;
use Gateway;
use JSON::PP;
use MIME::Base64;
use Scripts;
use Socket;
use Sys::Hostname;
use Test::More;
use Upstream;

my $png = "\x89PNG\r\n\x1a\n" . join '', map { chr } 0 .. 255;
my $big = 'x' x 70000;
my $web = Upstream->new(sub {
	my ($req) = @_;
	my ($p, $n) = $req->{path} =~ m{^/(\w+)(?:/(\d+))?};
	my %t = ('Content-Type' => 'image/png');

	return [reply => 200, \%t, $png] if $p eq 'png';
	return [reply => 200, {}, $png] if $p eq 'untyped';
	return [reply => 200, \%t, $big] if $p eq 'big';
	return ([head => 200, \%t], [drip => $big, 1000], ['last'])
	    if $p eq 'chunked';
	return [reply => 200, \%t, 'x' x 40000] if $p eq 'forty';
	return [reply => 200, { 'Content-Type' => 'text/html' }, '<html>']
	    if $p eq 'html';
	return [reply => 200, { 'Content-Type' => 'text/plain' }, 'words']
	    if $p eq 'text';
	return [reply => 200, { %t, 'Content-Encoding' => 'gzip' }, $png]
	    if $p eq 'gzip';
	return [reply => 200, \%t, ''] if $p eq 'empty';
	return [reply => $n, \%t, 'no'] if $p eq 'status';
	return [reply => 302, { Location => $n > 1 ? '/hop/' . ($n - 1) :
	    '/png' }, ''] if $p eq 'hop';
	return [reply => 302, { Location =>
	    'http://169.254.169.254/latest/meta-data' }, ''] if $p eq 'cloud';
	return [reply => 302, { Location => 'file:///etc/passwd' }, '']
	    if $p eq 'file';
	return ([head => 200, \%t], [chunk => $png], [hang => 1])
	    if $p eq 'slow';
	return ([bytes => "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n" .
	    "Content-Type: image/png\r\n\r\nx"], [close => 1])
	    if $p eq 'cut';
	return [hang => 1];
});
my $llm = Upstream->new(sub { answer_for($_[0]) });
my $limits = "FETCH_SIZE: 64000\nFETCH_TOTAL: 100000\nFETCH_COUNT: 5\n" .
    "FETCH_TIME: 2s\nFETCH_PARALLEL: 2\n";
my $g = Gateway->new(config => config_for($llm, $limits .
    "FETCH_PRIVATE: true\n"));
my $w = $web->base;

sub chat_of {
	return { model => shift, max_tokens => 9, messages => [ { role =>
	    'user', content => [ { type => 'text', text => 'What is it?' },
	    map { { type => 'image_url', image_url => { url => $_ } } }
	    @_ ] } ] };
}

sub chat {
	my $r = Client->once($g->port, POST => '/v1/chat/completions', {},
	    chat_of(@_));

	$r->{error} = eval { decode_json($r->{body})->{error} };
	return $r;
}

# What the provider was sent as images.
sub sent {
	my ($req) = reverse grep { $_->{event} eq 'request' } $llm->requests;
	my $b = Upstream::json_of($req);

	return map { $_->{inlineData} || $_->{inline_data} || () } map { @{
	    $_->{parts} } } @{ $b->{contents} };
}

sub gets {
	return map { $_->{path} } grep { $_->{event} eq 'request' }
	    $web->requests;
}

my $r = chat('gemini-x', "$w/png?sig=1", "$w/untyped", "$w/png?sig=1");
is($r->{status}, 200, 'fetched') or diag $r->{body};
my @sent = sent();
is(scalar @sent, 3, 'each in its place');
is(decode_base64($_->{data}), $png, 'byte for byte') for @sent;
is($sent[0]{mimeType} // $sent[0]{mime_type}, 'image/png', 'its type');
is(scalar(grep { m{^/png} } gets()), 1, 'the same URL once');
my ($get) = grep { $_->{event} eq 'request' } $web->requests;
is($get->{method}, 'GET', 'a GET');
is($get->{headers}{'accept-encoding'}, 'identity', 'uncompressed');
ok(!grep({ /^(?:authorization|x-goog|x-api|cookie)/ }
    keys %{ $get->{headers} }), 'no credentials');

is(chat('gemini-x', "$w/hop/3")->{status}, 200, 'three redirects');
is(decode_base64((sent())[0]{data}), $png, 'lead there');

my $asked = () = $llm->requests;
for ([ "$w/hop/4", 400, qr/redirects more than three/ ],
    [ "$w/cloud", 400, qr/redirects to a URL that may not/ ],
    [ "$w/file", 400, qr/redirects to/ ],
    [ "$w/big", 400, qr/larger than FETCH_SIZE/ ],
    [ "$w/chunked", 400, qr/larger than FETCH_SIZE/ ],
    [ "$w/html", 400, qr/not one of FETCH_TYPES/ ],
    [ "$w/text", 400, qr/another kind/ ],
    [ "$w/gzip", 502, qr/compresses/ ],
    [ "$w/empty", 502, qr/empty/ ],
    [ "$w/status/404", 400, qr/404/ ],
    [ "$w/status/403", 400, qr/does not hand it out/ ],
    [ "$w/status/503", 502, qr/error of its own/ ],
    [ "$w/cut", 502, qr/broke off/ ],
    [ "$w/slow", 502, qr/FETCH_TIME/ ],
    [ 'http://127.0.0.1:1/x', 502, qr/cannot be reached/ ],
    [ 'http://169.254.169.254/x', 400, qr/./ ],
    [ 'http://nowhere.invalid/x', 400, qr/no address/ ],
    [ 'http://u:secret@127.0.0.1/x', 400, qr/has a user/ ]) {
	my ($url, $status, $why) = @$_;
	$r = chat('gemini-x', "$w/png", "$url?token=hush");
	is($r->{status}, $status, "$url: $status") or diag $r->{body};
	like($r->{error}{message}, $why, "$url: why");
	like($r->{error}{message}, $url =~ /@/ ? qr/''/ : qr/\Q'$url'\E/,
	    "$url: named");
	unlike($r->{body}, qr/hush|secret/, "$url: without its query");
	unlike($r->{body}, qr/169\.254/, "$url: not where it led")
	    unless $url =~ /169/;
	is($r->{error}{param}, 'messages[0].content[2]', "$url: the field");
}
is(scalar(my @now = $llm->requests), $asked, 'the provider is not asked');
$r = chat('gemini-x', "$w/forty?1", "$w/forty?2", "$w/forty?3");
is($r->{status}, 400, 'together too large');
like($r->{error}{message}, qr/FETCH_TOTAL/, 'says so');
$r = chat('gemini-x', map { "$w/png?$_" } 1 .. 6);
is($r->{status}, 400, 'too many');
like($r->{error}{message}, qr/FETCH_COUNT/, 'says so');

# Each client's own envelope.
$r = Client->once($g->port, POST => '/v1/messages', {}, { model => 'gemini-x',
    max_tokens => 9, messages => [ { role => 'user', content => [ { type =>
    'image', source => { type => 'url', url => "$w/html" } } ] } ] });
is($r->{status}, 400, 'Anthropic: refused');
is(decode_json($r->{body})->{type}, 'error', 'Anthropic: its envelope');

# A provider that takes URLs gets the URL.
$web->forget;
is(chat('claude-x', 'https://example.invalid/a.png')->{status}, 200,
    'Anthropic takes it');
is(scalar(gets()), 0, 'nothing is fetched');

# The client leaves: the fetch ends.
$web->forget;
my $c = Client->new($g->port);
$c->request(POST => '/v1/chat/completions', {}, chat_of('gemini-x',
    "$w/mute"));
ok($g->wait_for(sub { scalar gets() }), 'a fetch hangs');
$c->close;
ok($g->wait_for(sub { grep { $_->{event} eq 'closed' } $web->requests }, 1.5),
    'the client leaves, and it ends');
$g->finish;

# Without the permission.
$web->forget;
$g = Gateway->new(config => config_for($llm, $limits));
my $host = hostname();
my $packed = inet_aton($host);
my $inside = $packed && inet_ntoa($packed) =~
    /^(?:127|10|192\.168|172\.(?:1[6-9]|2\d|3[01]))\./;
for ("$w/png", 'http://localhost/x', 'http://127.0.0.1/x', 'http://0x7f.1/x',
    'http://[::1]/x', 'http://0.0.0.0/x', 'http://[::ffff:127.0.0.1]/x',
    'http://10.0.0.1/x', 'http://2130706433/x') {
	$r = chat('gemini-x', $_);
	is($r->{status}, 400, "$_: refused");
	is($r->{error}{param}, 'messages[0].content[1]', "$_: the field");
}
SKIP: {
	skip 'the name of this host leads to no private address', 3
	    unless $inside;
	my $a = chat('gemini-x', "http://$host/x");
	my $b = chat('gemini-x', 'http://nowhere.invalid/x');
	is($a->{status}, 400, 'a name that leads inside: refused');
	is($a->{error}{message} =~ s/\Q$host\E//r, $b->{error}{message} =~
	    s/nowhere\.invalid//r, '... in the words for one that is unknown');
	unlike($a->{body}, qr/\Q@{[ inet_ntoa($packed) ]}\E/,
	    '... without its address');
}
is(scalar(gets()), 0, 'nothing was opened');
$g->finish;
done_testing;
