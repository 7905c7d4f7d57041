#!/usr/bin/perl

# Whose key goes where, and nowhere else: to another host after a redirect or a
# fail-over, into files, logs and errors.  What of the client's and the
# provider's headers passes, and that no text of theirs becomes a header.

use strict;
use warnings;
use Client;
use File::Find;
use Gateway;
use JSON::PP;
use Scripts;
use Test::More;
use Upstream;

my %json = ('Content-Type' => 'application/json');
my %sse = ('Content-Type' => 'text/event-stream');
my $two;

sub error_text { json_text({ error => { message => $_[0],
    type => 'invalid_request_error', param => undef, code =>
    'invalid_api_key' } }) }

# The model's name says what the provider does.
sub script {
	my ($req) = @_;
	my $body = eval { Upstream::json_of($req) } // {};
	my $model = $body->{model} // '';
	my $h = $req->{headers};
	my ($key) = grep { defined } @$h{qw(authorization x-api-key x-team-key
	    x-goog-api-key)};

	$key =~ s/^Bearer //;
	if ($model =~ /redirect-(\d+)/) {
		return [reply => $1, { Location => $two->base . $req->{path},
		    %json }, '{}'];
	}
	if ($key =~ /01$/ && $model =~ /first-(\d+)/) {
		return [reply => $1, \%json, error_text('not this one')];
	}
	my $echo = error_text("Invalid key: $key, see /docs");
	return [reply => 401, \%json, $echo] if $model =~ /echo-json/;
	return [reply => 401, { 'Content-Type' => 'text/plain' },
	    "Invalid key: $key"] if $model =~ /echo-plain/;
	return [reply => 200, \%json, $echo] if $model =~ /echo-200/;
	return ([head => 200, \%sse], [chunk => "data: $echo\n\n"], ['last'])
	    if $model =~ /echo-sse/;
	if ($model =~ /headers/) {
		return [reply => 200, { %json, 'Set-Cookie' => 'a=b',
		    Server => 'evil/1.0', 'X-Evil' => 1, Via => 'x',
		    'Alt-Svc' => 'h3=":443"', 'Access-Control-Allow-Origin' =>
		    '*', 'Strict-Transport-Security' => 'max-age=9',
		    'x-request-id' => 'theirs' }, chat_body()];
	}
	if ($model =~ /split-(\w+)/) {
		my %by = (cr => "a\rX-Evil: 1", fold => "a\r\n X-Evil: 1",
		    lf => "a\nX-Evil: 1", nul => "a\0X-Evil: 1");
		return [reply => 200, { %json, 'x-request-id' => $by{$1} },
		    chat_body()];
	}
	return answer_for($req);
}

$two = Upstream->new(\&script);
my $one = Upstream->new(\&script);
my ($base1, $base2) = ($one->base, $two->base);

my %keys = (one => [ map { "sk-one-secret-key-000$_" } qw(01 02 03) ],
    two => [ map { "sk-two-secret-key-000$_" } qw(01 02) ],
    three => [ map { "sk-three-secret-key-000$_" } qw(01 02) ],
    four => [ map { "AIza-four-secret-key-000$_" } qw(01 02) ],
    openai => [ 'sk-from-the-environment-01' ]);
my $list = sub { join ', ', map { "\"$_\"" } @{ $keys{ $_[0] } } };

# one and four are at the first host, two and three at the second.
my $g = Gateway->new(env => { OPENAI_API_KEY => $keys{openai}[0] },
    config => <<"EOT");
ALLOW_ANONYMOUS: true
RECHECK: 0
DEBUG: true
PREFERRED_PROVIDER: one
PROVIDERS:
  openai: { base_url: "$base1" }
  one: { dialect: openai-chat, base_url: "$base1/v1",
    keys: [@{[ $list->('one') ]}] }
  two: { dialect: anthropic, base_url: "$base2", keys: [@{[ $list->('two') ]}] }
  three: { dialect: openai-chat, base_url: "$base2", auth_header: X-Team-Key,
    keys: [@{[ $list->('three') ]}] }
  four: { dialect: gemini, base_url: "$base1", keys: [@{[ $list->('four') ]}] }
MODELS:
@{[ join '', map { my $p = $_; map { "  - { route_key: $p-$_, " .
    "target_model: x-$_, provider: $p }\n" } qw(plain headers echo-json
    echo-plain echo-200 echo-sse first-429 first-500 first-401), map(
    "redirect-$_", qw(301 302 303 307 308)), map("split-$_", qw(cr lf fold
    nul)) } qw(one two three four openai) ]}
EOT
my %host = (one => $one, two => $two, three => $two, four => $one,
    openai => $one);
my @answers;

sub ask {
	my ($model, %o) = @_;
	my $r = Client->once($g->port, POST => $o{path} //
	    '/v1/chat/completions', $o{headers}, json_text({ model => $model,
	    max_tokens => 9, messages => [ { role => 'user', content => 'x' }
	    ], $o{stream} ? (stream => \1) : (), %{ $o{more} // {} } }));

	push @answers, "$model: " . join("\n", %{ $r->{headers} }, $r->{body});
	return $r;
}

sub asked { grep { $_->{event} eq 'request' } $_[0]->requests }

subtest 'a redirect is not followed' => sub {
	for my $code (qw(301 302 303 307 308)) {
		for my $stream (0, 1) {
			my $n = asked($two);
			my $r = ask("one-redirect-$code", stream => $stream);
			is($r->{status}, 502, "$code: 502") or
			    diag $r->{body};
			ok(Client::json($r)->{error}{message},
			    "$code: in an envelope");
			ok(!$r->{headers}{location}, "$code: no Location");
			is(scalar asked($two), $n,
			    "$code: the other host was not asked");
		}
	}
};

subtest 'fail-over' => sub {
	for my $p (qw(one two three)) {
		for my $code (qw(401 500 429)) {
			for (1 .. 3) {
				is(ask("$p-first-$code")->{status}, 200,
				    "$p: $code of one key, answered by " .
				    'another');
			}
		}
	}
	for my $p (sort keys %keys) {
		is(ask("$p-plain", stream => $_)->{status}, 200, $p)
		    for 0, 1;
	}
};

subtest 'headers of the client' => sub {
	my %h = (Authorization => 'Bearer client-secret', Cookie =>
	    'client-secret=1', 'X-Api-Key' => 'client-secret',
	    'X-Goog-Api-Key' => 'client-secret', 'X-Forwarded-For' =>
	    '192.0.2.1', Forwarded => 'for=192.0.2.1', 'Proxy-Authorization' =>
	    'Basic client-secret', 'X-Team-Key' => 'client-secret',
	    'X-Stainless-Os' => 'Linux', 'User-Agent' => 'client-agent',
	    'OpenAI-Organization' => 'client-org', Referer => 'http://client/',
	    'X-Real-Ip' => '192.0.2.1', Via => '1.1 client');
	my %may = map { $_ => 1 } qw(host content-type content-length accept
	    accept-encoding user-agent anthropic-version anthropic-beta
	    openai-beta x-goog-api-client);
	my %own = (one => 'authorization', two => 'x-api-key', three =>
	    'x-team-key', four => 'x-goog-api-key', openai => 'authorization');
	my %path = (two => '/v1/messages',
	    four => '/v1beta/models/four-plain:generateContent?key=client-secret');

	for my $p (sort keys %keys) {
		for my $path ('/v1/chat/completions', $path{$p} // ()) {
			ask("$p-plain", headers => \%h, path => $path, more =>
			    $path =~ /v1beta/ ? { contents => [ { parts => [ {
			    text => 'x' } ] } ] } : {});
			my ($last) = (asked($host{$p}))[-1];
			is_deeply([grep { !$may{$_} && $_ ne $own{$p} }
			    sort keys %{ $last->{headers} }], [],
			    "$p by $path: none but ours");
			unlike(join("\n", $last->{path},
			    %{ $last->{headers} }), qr/client-|192\.0\.2/,
			    "$p by $path: and nothing of theirs");
		}
	}
};

subtest 'headers of the provider' => sub {
	my $r = ask('one-headers');
	is($r->{status}, 200, 'answered');
	is_deeply([grep { exists $r->{headers}{$_} } qw(set-cookie server
	    x-evil via alt-svc access-control-allow-origin
	    strict-transport-security)], [], 'few pass');
	is($r->{headers}{'x-request-id'}, 'theirs', 'its request id does');
	for my $how (qw(cr lf fold nul)) {
		my $c = Client->new($g->port);
		$c->request(POST => '/v1/chat/completions', {},
		    { model => "one-split-$how", messages => [ { role =>
		    'user', content => 'x' } ] });
		$c->until_match(qr/\r\n\r\n/);
		my ($head) = split /\r\n\r\n/, $c->{in}, 2;
		like($head, qr{^HTTP/1\.1 (200|502) }, "$how: answered");
		unlike($head, qr/(^|[\r\n])X-Evil/i, "$how: no new line");
		unlike($head =~ s/\r\n//gr, qr/[\r\n\0]/, "$how: no control");
	}
};

# What the providers got are requests of ours, and how many.
sub whole {
	my ($name) = @_;
	my @r = map { asked($_) } $one, $two;

	for (@r) {
		fail("$name: a header of the client's making")
		    if exists $_->{headers}{'x-evil'};
		my $t = join '|', $_->{path}, %{ $_->{headers} };
		fail("$name: a control in a header: $t")
		    if $t =~ /[\x00-\x08\x0a-\x1f\x7f]/;
		fail("$name: method $_->{method}") if $_->{method} ne 'POST';
	}
	return scalar @r;
}

subtest 'no text becomes a header' => sub {
	my @evil = ("\r\nX-Evil: 1", "\nX-Evil: 1", "\rX-Evil: 1",
	    " HTTP/1.1\r\nX-Evil: 1\r\n\r\nGET /evil HTTP/1.1\r\n");
	my $n = whole('before');

	for my $evil (@evil) {
		my $name = $evil =~ s/\r/\\r/gr =~ s/\n/\\n/gr;
		my $enc = $evil =~ s/([^\w])/sprintf '%%%02x', ord $1/ger;
		for my $model (qw(gpt-x claude-x gemini-x one-plain
		    tunedModels/x)) {
			for my $r (ask("$model$evil"),
			    ask("$model$evil", stream => 1),
			    ask("$model$evil", path => '/v1/messages'),
			    ask($model, path => "/v1beta/models/$model$enc:" .
			    'generateContent', more => { contents => [ {
			    parts => [ { text => 'x' } ] } ] })) {
				ok(!exists $r->{headers}{'x-evil'} &&
				    $r->{complete} && $r->{status} >= 200,
				    "$model$name: one whole answer");
			}
		}
		my $r = ask('two-plain', more => { "x$evil" => 1,
		    metadata => { "y$evil" => "z$evil" }, user => "u$evil" });
		ok(!exists $r->{headers}{'x-evil'} && $r->{complete},
		    "a member x$name: one whole answer");
		for my $h ("anthropic-beta: a$evil", "anthropic-beta: a" .
		    $evil =~ s/\n/\n /gr, "x-request-id: a$evil") {
			my $c = Client->new($g->port, timeout => 5);
			my $b = json_text({ model => 'two-plain', max_tokens =>
			    9, messages => [ { role => 'user', content =>
			    'x' } ] });
			$c->send("POST /v1/messages HTTP/1.1\r\nHost: " .
			    "localhost\r\nContent-Length: " . length($b) .
			    "\r\n$h\r\n\r\n$b");
			my $got = $c->response;
			ok($got && !exists $got->{headers}{'x-evil'},
			    "a header with $name: an answer");
		}
	}
	ok(whole('after') > $n, 'providers got nothing but whole requests');
};

subtest 'errors that say the key' => sub {
	for my $p (qw(one two three)) {
		for my $how (qw(json plain 200 sse)) {
			for my $stream (0, 1) {
				my $r = ask("$p-echo-$how", stream => $stream);
				ok($r->{status} >= 400, "$p: an error: " .
				    $r->{status});
				unlike($r->{body}, qr/secret-key/,
				    "$p: $how: without the key");
				like($r->{body}, qr/Invalid key: \*{8}/,
				    "$p: $how: but with the rest")
				    if $how eq 'json';
			}
		}
	}
};

# From here on only what has been kept of all of the above.
my $all = join '|', map { quotemeta } map { @$_ } values %keys;

subtest 'each provider saw its own keys' => sub {
	for my $up ($one, $two) {
		my %other = map { $_ => 1 } map { @{ $keys{$_} } }
		    grep { $host{$_} != $up } keys %keys;
		my (%got, $n);
		for (asked($up)) {
			my $t = join "\n", $_->{path}, %{ $_->{headers} },
			    Upstream::body_of($_);
			my @k = $t =~ /($all)/g;
			$n++;
			is(scalar @k, 1, "$_->{path}: one key") if @k != 1;
			$got{$_}++ for @k;
		}
		ok($n > 20, "$n requests");
		is_deeply([grep { $other{$_} } keys %got], [],
		    'no key of another host');
		is(scalar keys %got, scalar(map { @{ $keys{$_} } } grep {
		    $host{$_} == $up } keys %keys), 'all of its own');
	}
	for (asked($one)) {
		my ($k) = join("\n", %{ $_->{headers} }) =~ /($all)/;
		my $want = $_->{path} =~ m{^/v1beta/} ? 'four' :
		    $k eq $keys{openai}[0] ? 'openai' : 'one';
		fail("$_->{path} with $k") unless grep { $_ eq $k }
		    @{ $keys{$want} };
	}
	for (asked($two)) {
		my $h = $_->{path} eq '/v1/messages' ? 'x-api-key' :
		    'x-team-key';
		like($_->{headers}{$h}, $h eq 'x-api-key' ? qr/^sk-two/ :
		    qr/^sk-three/, 'its own') if $_->{n} % 10 == 1;
	}
};

sub slurp {
	my ($file) = @_;

	open my $f, '<:raw', $file or return '';
	local $/;
	return <$f> // '';
}

subtest 'where no key stands' => sub {
	is(scalar(grep { /$all/ } @answers), 0, scalar(@answers) . ' answers');
	for my $path (qw(/v1/api-keys/stats /v1/models /healthz /docs)) {
		my $r = Client->once($g->port, GET => $path);
		unlike($r->{body}, qr/$all/, $path);
	}
	unlike(join("\n", $g->control('status')), qr/$all/, 'status');
	$g->settled;
	my %file;
	find({ no_chdir => 1, wanted => sub { $file{$_} = slurp($_)
	    if -f && $_ ne $g->{file} } }, $g->{home});
	ok(length $file{ $g->db }, 'the database is looked at');
	ok(length $file{ $g->db . '-wal' }, 'its -wal, too');
	ok(length $file{ $g->{log} }, 'and the log');
	for (sort keys %file) {
		unlike($file{$_}, qr/$all/, s{.*/}{}r . ': no key');
	}
	my %parent;
	for (glob '/proc/[0-9]*/stat') {
		slurp($_) =~ /^(\d+) \(.*\) \S (\d+)/s and $parent{$1} = $2;
	}
	my @pid = ($g->{pid}, grep { $parent{$_} == $g->{pid} } keys %parent);
	ok(@pid >= 3, 'the master and its children');
	# What was put there by who started proxyd is not ours to hide.
	my $file_keys = join '|', map { quotemeta } map { @{ $keys{$_} } }
	    grep { $_ ne 'openai' } keys %keys;
	for (@pid) {
		unlike(slurp("/proc/$_/cmdline"), qr/$all/, 'arguments');
		unlike(slurp("/proc/$_/environ"), qr/$file_keys/,
		    'environment');
	}
};

$g->finish;
$_->stop for $one, $two;
done_testing;
